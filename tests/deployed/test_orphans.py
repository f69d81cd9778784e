"""Stacks that no environment file declares, as CloudFormation and SageMaker report them."""

from pathlib import Path
from typing import Any

import boto3
import pytest

from endpointctl import cli
from endpointctl.aws import Aws
from endpointctl.failure import Failure
from endpointctl.orphans import Orphan, declared, orphans
from stacks import settings
from stacks.settings import ENVIRONMENTS
from tests.support.cloud import Deployed

REGION = "us-east-1"


@pytest.fixture
def other_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the environment files be those of a checkout that has no local environment."""
    (tmp_path / "dev.yaml").write_text((ENVIRONMENTS / "dev.yaml").read_text("utf-8"), "utf-8")
    monkeypatch.setattr(settings, "ENVIRONMENTS", tmp_path)


def test_an_environment_without_a_file_is_reported_with_its_price(
    deployed: Deployed, other_files: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Failure, match=r"^2 stacks of no environment file \(local\): restore the file and run"):
        cli.orphans()
    assert capsys.readouterr().out.splitlines() == [
        "looked for stacks that no file in environments/ declares, in us-east-1",
        "cohere-local-endpoint (us-east-1, CREATE_COMPLETE): 1 ml.g5.xlarge, 1.41 USD an hour",
        "cohere-local-proxy (us-east-1, CREATE_COMPLETE): no instances known, 0.00 USD an hour",
    ]


def test_an_environment_with_a_file_is_not(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    cli.orphans(region=["eu-west-1"])
    assert capsys.readouterr().out.endswith("in eu-west-1, us-east-1\n")


def test_stacks_are_found_by_their_tags_and_others_are_left_alone(deployed: Deployed) -> None:
    cloudformation = boto3.client("cloudformation")
    body = '{"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}'
    tags: Any = [{"Key": "project", "Value": "cohere"}, {"Key": "environment", "Value": "renamed"}]
    cloudformation.create_stack(StackName="tagged", TemplateBody=body, Tags=tags)
    cloudformation.create_stack(StackName="somebody-elses", TemplateBody=body)
    try:
        names = declared({"local": settings.read("local")}, REGION, "111122223333")
        found = orphans(Aws(REGION), names)
    finally:
        for name in ("tagged", "somebody-elses"):
            cloudformation.delete_stack(StackName=name)
    assert found == [Orphan("tagged", "renamed", REGION, "CREATE_COMPLETE", {}, 0)]


def test_the_stacks_of_an_environment(deployed: Deployed) -> None:
    assert Aws(REGION).stacks_of("local") == ["cohere-local-endpoint", "cohere-local-proxy"]
    assert Aws(REGION).stacks_of("gone") == []
