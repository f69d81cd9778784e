"""Which stacks are nobody's, and what is known of their price."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from endpointctl import templates
from endpointctl.aws import Aws, Caller
from endpointctl.commands.changes import changes as show_changes
from endpointctl.failure import Failure
from endpointctl.orphans import declared, orphans
from stacks import settings
from stacks.settings import Settings

REGION, ACCOUNT = "us-east-1", "111122223333"
ENDPOINT = {
    "ResourceType": "AWS::SageMaker::Endpoint",
    "ResourceStatus": "CREATE_COMPLETE",
    "PhysicalResourceId": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/cohere-gone",
}


class Cloud:
    """AWS's answers about one stack and its endpoint."""

    def __init__(self, config: Any, counts: dict[str, int]) -> None:
        self.config = config
        self.counts = counts

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self) -> Any:
        return [{"Stacks": []}, {"Stacks": [{"StackName": "cohere-gone-endpoint", "StackStatus": "UPDATE_COMPLETE"}]}]

    def describe_stack_resources(self, **_: Any) -> Any:
        return {"StackResources": [ENDPOINT, {**ENDPOINT, "ResourceType": "AWS::Logs::LogGroup"}]}

    def describe_endpoint(self, *, EndpointName: str) -> Any:  # noqa: N803
        if self.config is None:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": EndpointName}}, "DescribeEndpoint")
        variants = [{"VariantName": name, "CurrentInstanceCount": count} for name, count in self.counts.items()]
        return {"EndpointConfigName": "c", "ProductionVariants": variants}

    def describe_endpoint_config(self, **_: Any) -> Any:
        return {"ProductionVariants": self.config}


A, B = {"VariantName": "A", "InstanceType": "ml.g5.xlarge"}, {"VariantName": "B", "InstanceType": "ml.g5.xlarge"}
POOLS = [{"InstanceType": "ml.p4d.24xlarge", "Priority": 2}, {"InstanceType": "ml.g5.xlarge", "Priority": 1}]


@pytest.mark.parametrize(
    ("config", "counts", "instances", "price"),
    [
        ([A], {"A": 2}, {"ml.g5.xlarge": 2}, 2 * 1.408),
        ([A, B], {"A": 1, "B": 2}, {"ml.g5.xlarge": 3}, 3 * 1.408),
        ([{"VariantName": "A", "InstancePools": POOLS}], {"A": 1}, {"ml.g5.xlarge": 1}, 1.408),
        ([A], {"A": 0}, {}, 0),
        ([{**A, "InstanceType": "ml.m5.large"}], {"A": 1}, {"ml.m5.large": 1}, None),
        (None, {}, {}, None),
    ],
)
def test_the_price_of_an_endpoint(
    monkeypatch: pytest.MonkeyPatch, config: Any, counts: dict[str, int], instances: dict[str, int], price: float | None
) -> None:
    monkeypatch.setattr(Aws, "client", lambda *_: Cloud(config, counts))
    (found,) = orphans(Aws(REGION), [])
    assert (found.stack, found.environment, found.instances) == ("cohere-gone-endpoint", "gone", instances)
    assert found.usd_per_hour == (None if price is None else pytest.approx(price))


def environment(**changes: Any) -> Settings:
    return settings.read("prod").model_copy(update={"region": REGION, "account": None, **changes})


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, {"cohere-x-endpoint", "cohere-x-proxy"}),
        ({"account": ACCOUNT}, {"cohere-x-endpoint", "cohere-x-proxy"}),
        ({"account": "999999999999"}, set()),
        ({"region": "eu-west-1"}, set()),
    ],
)
def test_a_file_declares_stacks_in_its_own_region_and_account(changes: dict[str, Any], names: set[str]) -> None:
    assert declared({"x": environment(**changes)}, REGION, ACCOUNT) == names


@pytest.mark.parametrize(
    ("place", "stacks", "reason"),
    [
        ((REGION, None), [], ""),
        ((REGION, ACCOUNT), [], ""),
        ((REGION, None), ["cohere-gone-endpoint"], "cohere-gone-endpoint still exist in us-east-1, and are billed"),
        ((REGION, "999999999999"), [], "it is in the account 999999999999, and your credentials are of 111122223333"),
        ((REGION, None), Failure("no AWS credentials: sign in"), "is not known (no AWS credentials: sign in)"),
        (Failure("BASE 'x': environments/gone.yaml names no region"), [], "names no region"),
    ],
)
def test_a_removed_file_is_a_loss_until_the_environment_is_destroyed(
    monkeypatch: pytest.MonkeyPatch, place: Any, stacks: Any, reason: str
) -> None:
    def result(value: Any) -> Any:
        if isinstance(value, Failure):
            raise value
        return value

    monkeypatch.setattr(templates, "of_commit", lambda *_: {"gone/endpoint": {"Resources": {}}})
    monkeypatch.setattr(templates, "of_checkout", lambda _: {})
    monkeypatch.setattr(templates, "place_of", lambda *_: result(place))
    monkeypatch.setattr(Aws, "caller", lambda _: Caller(ACCOUNT, "arn"))
    monkeypatch.setattr(Aws, "stacks_of", lambda *_: result(stacks))
    if not reason:
        show_changes(base="HEAD")
        return
    with pytest.raises(Failure) as caught:
        show_changes(base="HEAD")
    assert caught.value.reason.startswith("gone: its file is gone, ")
    assert reason in caught.value.reason
    assert "`make destroy ENV=gone`" in caught.value.reason


def test_where_a_commits_environment_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = {"a": f"region: {REGION}\n", "b": f"region: {REGION}\naccount: '{ACCOUNT}'\n", "c": "[", "d": "1", "e": ""}
    files |= {"f": "extends: defaults/f.yaml", "defaults/f": "extends: ../b.yaml", "g": "extends: nothing.yaml"}
    (tmp_path / "environments" / "defaults").mkdir(parents=True)
    for name, content in files.items():
        (tmp_path / "environments" / f"{name}.yaml").write_text(content, "utf-8")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(templates, "ROOT", tmp_path)
    assert templates.place_of("HEAD", "a") == (REGION, None)
    assert templates.place_of("HEAD", "b") == (REGION, ACCOUNT)
    assert templates.place_of("HEAD", "f") == (REGION, ACCOUNT)
    for name in ("c", "d", "e", "g", "nothing"):
        with pytest.raises(Failure, match=f"BASE 'HEAD': environments/{name}.yaml names no region"):
            templates.place_of("HEAD", name)
