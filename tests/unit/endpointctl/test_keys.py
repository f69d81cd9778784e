"""API keys: nothing is left half done, no value is shown twice, and what a deployment made stays as it is."""

import datetime
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from endpointctl.aws import Aws, Caller
from endpointctl.cli import app
from endpointctl.commands import keys as command
from endpointctl.failure import Failure
from endpointctl.keys import Keys
from stacks import settings
from stacks.settings import ENVIRONMENTS, Settings
from tests.support.templates import content_of

VALUE = "s3cr3t" * 6
STACK = "cohere-dev-proxy"
THEN = datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.UTC)


class Gateway:
    """API Gateway and CloudFormation, as far as they know of keys."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}
        self.fails = ""
        self.number = 0

    def add(self, name: str, tags: dict[str, str]) -> dict[str, Any]:
        self.number += 1
        made: dict[str, Any] = {
            "id": f"key{self.number}",
            "name": name,
            "enabled": True,
            "createdDate": THEN,
            "tags": tags,
        }
        self.keys[made["id"]] = made
        return made

    def get_paginator(self, name: str) -> Any:
        answers = {
            "get_api_keys": {"items": list(self.keys.values())},
            "list_stack_resources": {
                "StackResourceSummaries": [
                    {"ResourceType": "AWS::ApiGateway::UsagePlan", "PhysicalResourceId": "plan"},
                    {"ResourceType": "AWS::ApiGateway::ApiKey", "PhysicalResourceId": "key1"},
                    {"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "function"},
                ]
            },
        }

        class Pages:
            def paginate(self, **_: Any) -> Any:
                return self

            def build_full_result(self) -> Any:
                return answers[name]

        return Pages()

    def get_usage_plan(self, usagePlanId: str) -> Any:  # noqa: N803 - AWS's
        assert usagePlanId == "plan"
        return {"id": "plan", "name": f"{STACK}-search"}

    def create_api_key(self, name: str, value: str, enabled: bool, tags: dict[str, str]) -> Any:
        assert enabled
        return {**self.add(name, tags), "value": VALUE}

    def create_usage_plan_key(self, usagePlanId: str, keyId: str, keyType: str) -> None:  # noqa: N803
        self._fail("CreateUsagePlanKey")
        assert (usagePlanId, keyType) == ("plan", "API_KEY")

    def update_api_key(self, apiKey: str, patchOperations: Any) -> None:  # noqa: N803
        self.keys[apiKey]["enabled"] = patchOperations[0]["value"] == "true"

    def delete_api_key(self, apiKey: str) -> None:  # noqa: N803
        del self.keys[apiKey]

    def _fail(self, operation: str) -> None:
        if self.fails == operation:
            raise ClientError({"Error": {"Code": "LimitExceededException", "Message": "no more"}}, operation)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    found = Gateway()
    monkeypatch.setattr(Aws, "client", lambda *_: found)
    monkeypatch.setattr(Aws, "caller", lambda _: Caller("111122223333", "arn:aws:iam::111122223333:user/x"))
    monkeypatch.setattr(Aws, "proxy_url", lambda *_: "https://llm.example.com/")
    clients = {"search": {"requests_per_second": 1.0, "burst": 2}}
    dev = content_of(ENVIRONMENTS / "dev.yaml")
    content = {**dev, "tags": {"team": "x"}, "proxy": {"rest_api": {"access": "bearer", "clients": clients}}}
    monkeypatch.setattr(settings, "read", lambda _: Settings.model_validate(content))
    return found


def run(*arguments: str) -> tuple[str, str]:
    done = CliRunner().invoke(app, ["keys", *arguments, "--env", "dev"])
    if done.exception:
        raise done.exception
    return done.stdout, done.stderr


def test_the_value_is_alone_on_standard_output(gateway: Gateway) -> None:
    out, note = run("create", "search")
    assert out == f"{VALUE}\n"
    assert "the key key1 of search: keep its value in a secret store" in note
    (key,) = gateway.keys.values()
    assert key["tags"] == {"team": "x", "project": "cohere", "environment": "dev", "client": "search"}
    assert re.fullmatch(rf"{STACK}-search-\d{{8}}T\d{{6}}Z", key["name"])
    assert VALUE not in repr(Keys(Aws("us-east-1"), "dev", {}).create("search"))


def test_a_key_that_gets_no_plan_is_deleted_again(gateway: Gateway) -> None:
    gateway.fails = "CreateUsagePlanKey"
    with pytest.raises(Failure, match=r"^AWS refused: LimitExceededException: no more$"):
        run("create", "search")
    assert gateway.keys == {}


def test_a_key_that_nobody_could_read_is_deleted_again(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_text: str) -> None:
        raise Failure("standard output: No space left on device: write it to another place")

    gateway.number = 1  # the stack's own key is the first
    gateway.add(f"{STACK}-search-1", {"environment": "dev", "client": "search"})
    monkeypatch.setattr(command, "show", full)
    with pytest.raises(Failure, match="No space left") as caught:
        run("rotate", "search", "--no-overlap")
    assert VALUE not in str(caught.value)
    assert [(key["id"], key["enabled"]) for key in gateway.keys.values()] == [("key2", True)]


def test_a_key_that_the_deployment_made_is_not_changed(gateway: Gateway) -> None:
    gateway.add(f"{STACK}-search", {"environment": "dev"})
    (listed,) = json.loads(run("list", "--json")[0])
    assert (listed["client"], listed["of_stack"]) == ("search", True)
    for refused in (("disable", "search"), ("enable", "key1"), ("delete", "key1")):
        with pytest.raises(
            Failure, match=r"^the key key1 is the stack's, .* take search out of proxy\.rest_api\.clients"
        ):
            run(*refused)
    with pytest.raises(Failure, match=r"^search has a key that the deployment made"):
        run("rotate", "search", "--no-overlap")
    assert [(key["id"], key["enabled"]) for key in gateway.keys.values()] == [("key1", True)]
    assert run("rotate", "search")[0] == f"{VALUE}\n"
    assert "the deployment" in run("list")[0]


def test_keys_of_other_environments_are_not_seen(gateway: Gateway) -> None:
    """The stack of another environment may begin with the name of this one's."""
    gateway.number = 1
    gateway.add(f"{STACK}-x-proxy-search-1", {"environment": "dev-proxy-x", "client": "search"})
    gateway.add(f"{STACK}-somebodys", {})
    assert run("list")[0] == "dev: no client has a key\n"
    with pytest.raises(Failure, match=r"^'key2' is no key of dev; allowed: none: no key was made$"):
        run("delete", "key2")
    assert len(gateway.keys) == 2


def test_a_rotation_needs_a_key_to_replace(gateway: Gateway) -> None:
    with pytest.raises(Failure, match=r"^search has no enabled key: `endpointctl keys create search --env dev` makes"):
        run("rotate", "search")
    assert gateway.keys == {}


@pytest.mark.parametrize("example", ["rest-api-signed", "embed-v4"])
def test_an_environment_without_keys(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, example: str) -> None:
    found = settings.read_file(ENVIRONMENTS.parent / "docs" / "examples" / f"{example}.yaml")
    monkeypatch.setattr(settings, "read", lambda _: found)
    with pytest.raises(
        Failure, match=r"^environments/dev\.yaml: .*; allowed: proxy\.rest_api\.access api_keys or bearer"
    ):
        run("list")
