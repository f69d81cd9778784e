"""examples/codepipeline: what the pipeline does, in which order, and that it deploys the app's own templates."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk import App
from aws_cdk.assertions import Template

from examples.codepipeline import app as example
from stacks import settings
from stacks.settings import ENVIRONMENTS
from stacks.settings.errors import SettingsError
from tests.support.templates import CONTEXT, ROOT, changed, content_of, templates_in, templates_of

SOURCE = {
    "connection_arn": "arn:aws:codeconnections:us-east-1:111122223333:connection/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f",
    "repository": "acme/llm",
}
FILES = {
    "dev": changed(content_of(ENVIRONMENTS / "dev.yaml"), {"account": "111122223333"}),
    "prod": content_of(ENVIRONMENTS / "prod.yaml"),
}


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which each environment names its account."""
    folder = tmp_path_factory.mktemp("environments")
    for name, content in FILES.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content), "utf-8")
    return folder


@pytest.fixture(scope="module")
def synthesized(environments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the pipeline's assembly."""
    outdir = tmp_path_factory.mktemp("pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "ENVIRONMENTS", environments)
        app = _app(outdir, SOURCE)
        example.add_to(app)
        app.synth()
    return outdir


def _app(outdir: Path, source: dict[str, str]) -> App:
    return App(outdir=str(outdir), context={**CONTEXT, **source}, analytics_reporting=False)


@pytest.fixture(scope="module")
def resources(synthesized: Path) -> dict[str, Any]:
    template = json.loads((synthesized / "cohere-pipeline.template.json").read_text("utf-8"))
    found: dict[str, Any] = template["Resources"]
    return found


@pytest.fixture(scope="module")
def pipeline(resources: dict[str, Any]) -> dict[str, Any]:
    (found,) = (one["Properties"] for one in resources.values() if one["Type"] == "AWS::CodePipeline::Pipeline")
    return dict(found)


def _actions(pipeline: dict[str, Any], stage: str) -> list[str]:
    """Return a stage's actions in the order in which they run."""
    (found,) = (one["Actions"] for one in pipeline["Stages"] if one["Name"] == stage)
    return [one["Name"] for one in sorted(found, key=lambda one: (one["RunOrder"], one["Name"]))]


def _deployment(name: str) -> list[str]:
    return [f"cohere-{name}-{stack}.{step}" for step in ("Prepare", "Deploy") for stack in ("endpoint", "proxy")]


def test_dev_comes_before_prod(pipeline: dict[str, Any]) -> None:
    stages = [stage["Name"] for stage in pipeline["Stages"]]
    assert stages == ["Source", "Build", "UpdatePipeline", "Assets", "dev", "prod"]


def test_a_smoke_test_ends_each_stage_and_an_approval_starts_prod(pipeline: dict[str, Any]) -> None:
    assert _actions(pipeline, "dev") == [*_deployment("dev"), "Smoke_test_dev"]
    assert _actions(pipeline, "prod") == ["Approve_prod", *_deployment("prod"), "Smoke_test_prod"]


def test_an_execution_that_is_overtaken_ends(pipeline: dict[str, Any]) -> None:
    """SUPERSEDED, the default of a pipeline of type V2: one waits for the approval, and a newer one replaces it."""
    assert pipeline["PipelineType"] == "V2"
    assert pipeline.get("ExecutionMode", "SUPERSEDED") == "SUPERSEDED"


def test_it_deploys_the_apps_own_templates(synthesized: Path) -> None:
    own = {f"{name}/{stack}": one for name in FILES for stack, one in templates_of(FILES[name], name).items()}
    assert templates_in(synthesized) == own


def test_its_steps_call_make_and_nothing_else(resources: dict[str, Any]) -> None:
    """But for those that CDK Pipelines adds: the update of itself, and the assets."""
    projects = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CodeBuild::Project"]
    specs = [one["Source"]["BuildSpec"] for one in projects if one["Source"]["BuildSpec"].startswith("{")]
    commands = [command for spec in specs for command in json.loads(spec)["phases"]["build"]["commands"]]
    context = f"-c connection_arn={SOURCE['connection_arn']} -c repository=acme/llm -c branch=main"
    again = f"--app 'python examples/codepipeline/app.py' {context} -c environments=dev,prod"
    assert [
        shlex.split(command) for command in commands if not command.startswith("cdk -a . deploy cohere-pipeline")
    ] == [
        ["make", "synth"],
        ["make", "synth", f"ARGS={again}"],
        ["make", "smoke", "ENV=dev"],
        ["make", "smoke", "ENV=prod"],
    ]


def test_a_smoke_test_may_call_its_own_proxy_only(resources: dict[str, Any]) -> None:
    policies = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::IAM::Policy"]
    (found,) = (
        json.dumps(one)
        for one in policies
        if "lambda:InvokeFunctionUrl" in json.dumps(one)
        if "-dev-" in json.dumps(one)
    )
    assert ":lambda:us-east-1:111122223333:function:cohere-dev-proxy-*:live" in found
    assert ":cloudformation:us-east-1:111122223333:stack/cohere-dev-proxy/*" in found
    assert "cohere-prod" not in found


def test_it_updates_itself_with_the_clis_own_version(resources: dict[str, Any]) -> None:
    assert f"npm install -g aws-cdk@{example.CDK_VERSION}" in json.dumps(resources)


def test_another_account_gets_a_key_for_its_artifacts_and_no_smoke_test(
    environments: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The pipeline's own credentials are worth nothing there."""
    other = tmp_path / "environments"
    shutil.copytree(environments, other)
    (other / "prod.yaml").write_text(yaml.safe_dump(changed(FILES["prod"], {"account": "444455556666"})), "utf-8")
    monkeypatch.setattr(settings, "ENVIRONMENTS", other)
    template = Template.from_stack(example.add_to(_app(tmp_path / "out", SOURCE)))
    template.resource_count_is("AWS::KMS::Key", 1)
    (found,) = template.find_resources("AWS::CodePipeline::Pipeline").values()
    assert _actions(found["Properties"], "prod") == ["Approve_prod", *_deployment("prod")]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({}, "connection_arn is missing"),
        ({"connection_arn": "arn:x"}, "repository is missing"),
        ({**SOURCE, "environments": "dev,nowhere"}, "'nowhere' does not exist"),
    ],
)
def test_a_wrong_context_is_one_line(
    source: dict[str, str], problem: str, environments: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENTS", environments)
    with pytest.raises(SettingsError, match=problem) as found:
        example.add_to(_app(tmp_path, source))
    assert "\n" not in str(found.value)


def test_an_environment_without_an_account_is_refused(tmp_path: Path) -> None:
    """As environments/dev.yaml is in this repository."""
    variables = {"CDK_OUTDIR": str(tmp_path / "out"), "CDK_CONTEXT_JSON": json.dumps({**CONTEXT, **SOURCE})}
    done = subprocess.run(
        [sys.executable, "examples/codepipeline/app.py"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("environments/dev.yaml: account: is missing; allowed in a pipeline: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out" / "manifest.json").exists()
