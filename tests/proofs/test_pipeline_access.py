"""The app of the pipelines' roles: its template, its validation, and what it says about wrong settings."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk import App
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from pipeline_access import access
from pipeline_access.access import Access, read
from pipeline_access.app import STACK
from pipeline_access.stack import PipelineAccessStack
from stacks import settings, validation
from stacks.settings.errors import SettingsError
from tests.support.access import ENVIRONMENTS, template_of
from tests.support.templates import CONTEXT, ROOT, Templates


def synthesize(folder: Path, **context: str) -> subprocess.CompletedProcess[str]:
    """Run the app by itself: unlike under the CLI, every finding is an error."""
    environment = {**os.environ, "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(context)}
    command = [sys.executable, "-m", "pipeline_access.app"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def app_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("access") / "cdk.out"
    done = synthesize(folder, repository="acme/cohere")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module", params=["github", "gitlab"])
def full_assembly(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly with every option, validated as the app validates it: each finding is an error."""
    folder = tmp_path_factory.mktemp("full") / "cdk.out"
    app = App(outdir=str(folder), context=CONTEXT, analytics_reporting=False)
    validation.add_to(app)
    role = "arn:aws:iam::111122223333:role/team/execution"
    operated = {"region": "us-east-1", "operations": True, "sleeps": True}
    own = {"region": "us-east-1", "execution_role_arn": role}
    environments = {**ENVIRONMENTS, "own-role": own, "operated": operated}
    values = {"platform": request.param, "repository": "acme/cohere", "permissions_boundary": True}
    PipelineAccessStack(app, STACK, access=Access.model_validate({**values, "environments": environments}))
    app.synth()
    return folder


def test_a_template(snapshot: SnapshotAssertion) -> None:
    template = template_of(permissions_boundary=True)
    assert template == snapshot(extension_class=JSONSnapshotExtension, name="github")


def test_no_finding_is_left_and_no_acknowledgement_is_stale(full_assembly: Path) -> None:
    report = json.loads((full_assembly / "validation-report.json").read_text("utf-8"))["pluginReports"]
    assert {"AwsSolutions", "NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321"} <= {one["pluginName"] for one in report}
    assert [one["violations"] for one in report if one["violations"]] == []
    used = {
        (hidden["acknowledgedAt"], hidden["acknowledgedId"])
        for one in report
        for hidden in one.get("suppressedViolations", [])
    }
    metadata = json.loads((full_assembly / f"{STACK}.metadata.json").read_text("utf-8"))
    written = {
        (path.removeprefix("/"), rule): reason
        for path, entries in metadata.items()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule, reason in entry["data"].items()
    }
    assert set(written) == used
    assert min(map(len, written.values())) > 20


def test_the_environments_are_those_of_the_main_app(app_assembly: Path) -> None:
    template = json.loads((app_assembly / f"{STACK}.template.json").read_text("utf-8"))
    roles = {one["Properties"].get("RoleName") for one in template["Resources"].values()} - {None}
    expected = {f"cohere-{name}-pipeline" for name in settings.names() if name not in access.LOCAL}
    assert roles == expected | {"cohere-pull-request", "cohere-nightly"}


def test_it_is_deployed_before_the_account_is_bootstrapped(app_assembly: Path) -> None:
    """Its execution policy is an argument of `cdk bootstrap`."""
    stack = json.loads((app_assembly / "manifest.json").read_text("utf-8"))["artifacts"][STACK]["properties"]
    assert not {"assumeRoleArn", "cloudFormationExecutionRoleArn", "requiresBootstrapStackVersion"} & stack.keys()


def test_twelve_environments_fit_into_a_template_that_needs_no_bucket() -> None:
    environments = {f"environment-{number:02}": {"region": "us-east-1"} for number in range(12)}
    # The CLI sends YAML, and more than 50 KiB only by the bucket that `cdk bootstrap` makes.
    assert len(yaml.safe_dump(template_of(environments=environments), width=10_000)) < 50 * 1024


def test_cfn_lint_finds_nothing(full_assembly: Path) -> None:
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--", str(full_assembly / f"{STACK}.template.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def statements(template: dict[str, Any], role: str) -> list[dict[str, Any]]:
    (found,) = (
        one["Properties"] for one in template["Resources"].values() if one["Properties"].get("RoleName") == role
    )
    return [one for policy in found["Policies"] for one in policy["PolicyDocument"]["Statement"]]


def resource_of(template: dict[str, Any], role: str, action: str) -> list[str]:
    return [
        resource["Fn::Sub"].replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", "1")
        for statement in statements(template, role)
        if action in statement["Action"]
        for resource in statement["Resource"]
    ]


def test_the_function_is_that_of_the_templates(templates: Templates) -> None:
    (pattern,) = resource_of(template_of(), "cohere-dev-pipeline", "lambda:InvokeFunctionUrl")
    assert pattern == "arn:aws:lambda:us-east-1:1:function:cohere-dev-proxy-ProxyFunction*:live"
    assert any(name.startswith("ProxyFunction") for name in templates["dev/proxy"]["Resources"])


def test_a_long_name_is_shortened_as_cloudformation_may_shorten_it() -> None:
    name = "a-very-long-name-of-a-platform"
    template = template_of(environments={name: {"region": "us-east-1"}})
    (pattern,) = resource_of(template, f"cohere-{name}-pipeline", "lambda:InvokeFunctionUrl")
    assert pattern == "arn:aws:lambda:us-east-1:1:function:cohere-a-very-long-name-*:live"


def test_a_rest_api_is_called_where_there_is_one_for_signed_requests() -> None:
    template = template_of()
    assert resource_of(template, "cohere-prod-pipeline", "execute-api:Invoke") == []
    assert resource_of(template, "cohere-dev-pipeline", "execute-api:Invoke") == [
        "arn:aws:execute-api:us-east-1:1:*/live/GET/healthz",
        "arn:aws:execute-api:us-east-1:1:*/live/POST/v1/*",
    ]


def test_an_endpoint_is_woken_where_it_sleeps() -> None:
    template = template_of(
        environments={"dev": {"region": "us-east-1", "sleeps": True}, "prod": {"region": "eu-west-1"}}
    )
    power = "arn:aws:lambda:us-east-1:1:function:cohere-dev-power"
    assert power in resource_of(template, "cohere-dev-pipeline", "lambda:InvokeFunction")
    assert not any("power" in one for one in resource_of(template, "cohere-prod-pipeline", "lambda:InvokeFunction"))


def test_a_session_outlives_a_gpu_deployment() -> None:
    durations = {
        one["Properties"]["RoleName"]: one["Properties"]["MaxSessionDuration"]
        for one in template_of()["Resources"].values()
        if one["Type"] == "AWS::IAM::Role"
    }
    assert {name for name, seconds in durations.items() if seconds == 3 * 3600} == {
        f"cohere-{name}-pipeline" for name in ("local", "dev", "prod")
    }


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "access.yaml"
    path.write_text(text, "utf-8")
    return path


GIVEN = "repository: acme/cohere\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "repository: is missing; add it (The repository, e.g. acme/cohere; or group/subgroup/project.)"),
        ("- a\n", "holds no keys; allowed: platform, repository, "),
        ("a: [\n", "cannot be read: "),
        ("repository: acme\n", "repository: 'acme' is wrong; allowed: The repository, e.g. acme/cohere"),
        (GIVEN + "plattform: gitlab\n", "plattform: unknown key; did you mean platform? allowed: platform, repository"),
        (GIVEN + "platform: bitbucket\n", "platform: 'bitbucket' is wrong; allowed: 'github' or 'gitlab'"),
        (GIVEN + "issuer: https://gitlab.com\n", "issuer: 'https://gitlab.com' is wrong; allowed: Who signs"),
        (GIVEN + "subject_prefix: 'repo:*'\n", "subject_prefix: 'repo:*' is wrong; allowed: The beginning of the"),
        (GIVEN + "subject_prefix: 'repo:${aws:username}'\n", "subject_prefix: 'repo:${aws:username}' is wrong"),
        (GIVEN + "branch: '*'\n", "branch: '*' is wrong; allowed: The branch that is deployed."),
        (GIVEN + "account: 111122223333\n", "account: 111122223333 is wrong; allowed: a valid string in quotes"),
        (GIVEN + "qualifier: much-too-long\n", "qualifier: 'much-too-long' is wrong; allowed: The qualifier of"),
        (GIVEN + "environments: {dev: {}}\n", "environments.dev.region: is missing; add it"),
        (GIVEN + "environments: {Dev: {region: us-east-1}}\n", "environments.Dev"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(written(tmp_path, text))
    (line,) = str(caught.value).splitlines()
    assert line.partition("/access.yaml: ")[2].startswith(message)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read: .*No such file"):
        read(tmp_path / "access.yaml")


def test_an_account_without_environments_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "names", lambda: ("prod",))
    with pytest.raises(SettingsError, match=r"there are none for the account 444455556666; allowed: a file in"):
        read(given={"repository": "acme/cohere", "account": "444455556666"})


def test_environments_of_other_accounts_are_left_out() -> None:
    found = read(given={"repository": "acme/cohere", "account": "444455556666"})
    assert set(found.environments) == {"dev"}  # it names no account; prod names another


def test_the_app_says_it_in_one_line_and_writes_nothing(tmp_path: Path) -> None:
    done = synthesize(tmp_path / "out", repository="acme")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pipeline_access/access.yaml: repository: 'acme' is wrong; allowed: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_what_the_environment_files_say_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = settings.read_file(ROOT / "docs" / "examples" / "rest-api-signed.yaml")
    keys = settings.read_file(ROOT / "docs" / "examples" / "rest-api.yaml")
    more = {
        name: settings.read_file(ROOT / "docs" / "examples" / f"{name}.yaml") for name in ("office-hours", "budget")
    }
    files = {"keys": keys, "rest": rest, **more}
    monkeypatch.setattr(settings, "names", lambda: tuple(files))
    monkeypatch.setattr(settings, "read", files.__getitem__)
    found = read(given={"repository": "acme/cohere"}).environments
    assert found["rest"].signed_rest_api
    assert not found["keys"].signed_rest_api
    assert [name for name, one in found.items() if one.operations] == ["office-hours", "budget"]
    assert [name for name, one in found.items() if one.sleeps] == ["office-hours"]
    assert (found["keys"].region, found["keys"].execution_role_arn) == (keys.region, keys.endpoint.execution_role_arn)


@pytest.mark.parametrize(
    ("values", "environment", "branch", "change"),
    [
        (
            {},
            "repo:acme/cohere:environment:dev",
            "repo:acme/cohere:ref:refs/heads/main",
            "repo:acme/cohere:pull_request",
        ),
        (
            {"subject_prefix": "repo:acme-1/cohere-2", "branch": "release"},
            "repo:acme-1/cohere-2:environment:dev",
            "repo:acme-1/cohere-2:ref:refs/heads/release",
            "repo:acme-1/cohere-2:pull_request",
        ),
        (
            {"platform": "gitlab"},
            "project_path:acme/cohere:ref_type:branch:ref:main",
            "project_path:acme/cohere:ref_type:branch:ref:main",
            "project_path:acme/cohere:ref_type:branch:ref:*",
        ),
    ],
)
def test_subjects(values: dict[str, Any], environment: str, branch: str, change: str) -> None:
    found = Access.model_validate({"repository": "acme/cohere", **values})
    assert found.environment_subject_of("dev") == environment
    assert (found.branch_subject, found.change_subject) == (branch, change)


def test_the_readme_names_every_key() -> None:
    text = (access.FILE.parent / "README.md").read_text("utf-8")
    assert [key for key in (*Access.model_fields, *access.Environment.model_fields) if f"`{key}`" not in text] == []
