"""What guards the templates: cdk-nag and CloudFormation's own rules."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from stacks import validation
from tests.support.templates import CONTEXT, ROOT


@pytest.fixture(params=["assembly", "example_assembly"])
def both(request: pytest.FixtureRequest) -> Path:
    """Return the environments' assembly, and then the examples'."""
    found: Path = request.getfixturevalue(request.param)
    return found


def _report(assembly: Path) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = json.loads((assembly / "validation-report.json").read_text("utf-8"))[
        "pluginReports"
    ]
    return reports


def test_no_finding_is_left(both: Path) -> None:
    assert [(r["pluginName"], r["violations"]) for r in _report(both) if r["violations"]] == []


def test_the_packs_run(both: Path) -> None:
    packs = {"AwsSolutions", "NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321", "Serverless"}
    assert packs <= {report["pluginName"] for report in _report(both)}


def _written(assembly: Path) -> set[tuple[str, str, str]]:
    """Return path, id and reason of every acknowledgement in the tree."""
    return {
        (path.removeprefix("/"), rule, reason)
        for file in assembly.glob("assembly-*/*.metadata.json")
        for path, entries in json.loads(file.read_text("utf-8")).items()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule, reason in entry["data"].items()
    }


def _used(assembly: Path) -> set[tuple[str, str, str]]:
    return {
        (hidden["acknowledgedAt"], hidden["acknowledgedId"], hidden["reason"])
        for report in _report(assembly)
        for hidden in report.get("suppressedViolations", [])
    }


def test_no_acknowledgement_is_stale(both: Path) -> None:
    """Each one is exact, has a reason, sits on what causes the finding, and hides something that is still there."""
    written = _written(both)
    assert written
    assert written == _used(both)
    for path, _rule, reason in written:
        assert len(reason) > 20
        assert path.count("/") >= 2, "on a stack or a stage"


def test_the_acknowledgements_are_documented(both: Path) -> None:
    table = (ROOT / "docs" / "policy.md").read_text("utf-8")
    for _path, rule, reason in _written(both):
        pack, _, name = rule.partition("::")
        row = f"| `{re.sub(r'<.*>', '<resource>', name.removeprefix(pack + '-'))}` |"
        assert [line for line in table.splitlines() if line.startswith(row) and pack in line], row
        assert re.sub(r"^ml\S+(, ml\S+)*: ", "", reason) in table


def _isolation(stack: Stack) -> None:
    package = "arn:aws:sagemaker:us-east-1:865070037744:model-package/x"
    sagemaker.CfnModel(
        stack,
        "Model",
        enable_network_isolation=False,
        execution_role_arn="arn:aws:iam::111122223333:role/x",
        primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(model_package_name=package),
    )


def _wildcard(stack: Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"]))


def _malformed(stack: Stack) -> None:
    iam.CfnRole(stack, "Role", assume_role_policy_document={}, role_name="not/a/name")


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        (_wildcard, "AwsSolutions-IAM5[Resource::*]"),
        (_isolation, "MARKETPLACE_NETWORK_ISOLATION"),
        (_malformed, "not/a/name"),
    ],
    ids=["cdk-nag", "SageMaker's refusals", "CloudFormation's rules"],
)
def test_findings_are_errors(tmp_path: Path, fault: Callable[[Stack], None], rule: str) -> None:
    """An app that is validated as ours is does not synthesize with one fault in it."""
    app = App(outdir=str(tmp_path), context=CONTEXT, analytics_reporting=False)
    validation.add_to(app)
    fault(Stack(app, "Stack", env=Environment(account="111122223333", region="us-east-1")))
    with pytest.raises(RuntimeError):
        app.synth()
    report = json.loads((tmp_path / "validation-report.json").read_text("utf-8"))["pluginReports"]
    assert rule in json.dumps([plugin["violations"] for plugin in report])
