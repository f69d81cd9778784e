"""Bearer keys: from the authorizer to the command line, through a domain name of the environment's own."""

import json
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from endpointctl.cli import app
from endpointctl.client import Client
from endpointctl.failure import Failure
from endpointctl.refused import NotAllowed
from stacks import settings
from stacks.settings import ENVIRONMENTS, Settings
from tests.support.cloud import Deployed, Stacks
from tests.support.templates import Content, changed, content_of

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
LIMITS = {"requests_per_second": 100.0, "burst": 100}


@pytest.fixture(scope="module")
def content(deployed: Deployed) -> Content:
    """The file of the environment ``bearer``."""
    zone = boto3.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    rest_api = {
        "access": "bearer",
        "account_log_role": True,
        "clients": {"search": LIMITS, "nightly": {**LIMITS, "quota": 2}},
        "domain": {
            "name": "llm.example.com",
            "certificate_arn": CERTIFICATE,
            "hosted_zone": {"id": zone.rpartition("/")[2], "name": "example.com"},
        },
    }
    return {**content_of(ENVIRONMENTS / "local.yaml"), "proxy": {"rest_api": rest_api}}


@pytest.fixture(scope="module")
def bearer(content: Content) -> Stacks:
    stacks = Stacks("bearer")
    stacks.deploy(content, "proxy")
    return stacks


@pytest.fixture(autouse=True)
def _file(content: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment have a file, which the checkout does not have."""
    monkeypatch.setattr(settings, "read", lambda _name: Settings.model_validate(content))


def keys(*arguments: str) -> tuple[str, str]:
    """Run ``endpointctl keys``; return stdout and stderr."""
    done = CliRunner().invoke(app, ["keys", *arguments, "--env", "bearer"])
    if done.exception:
        raise done.exception
    return done.stdout.strip(), done.stderr


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(keys("list", "--json")[0])
    return found


def made(client: str) -> tuple[str, str]:
    """Make a key for a client that may have one; return its value and its id."""
    had = {one["id"] for one in listed()}
    value, _ = keys("rotate" if any(one["client"] == client for one in listed()) else "create", client)
    (new,) = {one["id"] for one in listed()} - had
    return value, new


def test_a_key_from_its_creation_to_its_end(bearer: Stacks) -> None:
    assert bearer.parameter("generate-url") == "https://llm.example.com/"
    value, note = keys("create", "search")
    assert value.isalnum()
    assert value not in note
    (key,) = listed()
    assert (key["client"], key["enabled"], key["of_stack"]) == ("search", True, False)
    assert value not in json.dumps(key)
    with pytest.raises(Failure, match=rf"^search has a key already \({key['id']}\): `endpointctl keys rotate search"):
        keys("create", "search")

    client = Client.connect("bearer", api_key=value, attempts=1)
    assert client.generate(prompt="hello", max_tokens=1).texts
    # Each refusal although API Gateway keeps the authorizer's answer.
    keys("disable", "search")
    assert refusal(value)["code"] == "unauthorized"
    keys("enable", key["id"])
    assert client.generate(prompt="hello", max_tokens=1).texts
    keys("delete", "search")
    assert refusal(value)["code"] == "unauthorized"
    assert listed() == []


def refusal(key: str | None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Send a request that is refused with 401; return the body."""
    client = Client("https://llm.example.com/", None, "us-east-1", api_key=key, bearer=True)
    status, body = client.post("/v1/generate", b'{"prompt": "hello", "max_tokens": 1}', headers)
    assert status == 401
    found: dict[str, Any] = body
    return found


def test_without_a_valid_key_the_response_says_what_to_do_in_both_dialects(bearer: Stacks) -> None:
    value, _ = made("search")
    for body in (
        refusal(None),
        refusal("wrong" * 8),
        refusal("too-short"),
        # The other source of keys is closed: the key is the authorizer's.
        refusal(None, {"x-api-key": value}),
        refusal(None, {"Authorization": value}),
        refusal(None, {"Authorization": f"Basic {value}"}),
    ):
        assert body["code"] == body["error"]["code"] == "unauthorized"
        assert body["error"] == {**body["error"], "type": "authentication_error", "param": None}
        assert "send Authorization: Bearer KEY" in body["message"]
        assert body["message"] == body["error"]["message"]


def test_a_key_of_another_environment_is_refused(bearer: Stacks) -> None:
    gateway = boto3.client("apigateway")
    other = gateway.create_api_key(name="other", enabled=True)
    plan = gateway.create_usage_plan(name="other")["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=other["id"], keyType="API_KEY")
    assert refusal(other["value"])["code"] == "unauthorized"
    # Nor is it listed, or changed, here.
    assert other["id"] not in {one["id"] for one in listed()}
    with pytest.raises(Failure, match=rf"^'{other['id']}' is no key of bearer; allowed: "):
        keys("delete", other["id"])


def test_a_rotation_lets_both_keys_be_valid_until_the_former_is_ended(bearer: Stacks) -> None:
    first, first_id = made("search")
    second, note = keys("rotate", "search")
    assert first != second
    assert f"endpointctl keys delete {first_id} --env bearer" in note
    for value in (first, second):
        assert Client.connect("bearer", api_key=value, attempts=1).generate(prompt="hello", max_tokens=1).texts
    with pytest.raises(Failure, match=r"^'search' has several keys; allowed: "):
        keys("delete", "search")
    keys("delete", first_id)
    assert refusal(first)["code"] == "unauthorized"
    third, _ = keys("rotate", "search", "--no-overlap")
    assert refusal(second)["code"] == "unauthorized"
    assert Client.connect("bearer", api_key=third, attempts=1).generate(prompt="hello", max_tokens=1).texts


def test_a_deployment_changes_no_key(bearer: Stacks, content: Content) -> None:
    kept, _ = made("search")
    ended, ended_id = made("search")
    keys("disable", ended_id)
    before = listed()
    bearer.deploy(
        changed(content, {"proxy.rest_api.clients.search.burst": 50, "tags": {"team": "search"}}),
        "proxy",
    )
    assert listed() == before
    assert Client.connect("bearer", api_key=kept, attempts=1).generate(prompt="hello", max_tokens=1).texts
    with pytest.raises(NotAllowed, match=r"HTTP 401 \[unauthorized\]"):
        Client.connect("bearer", api_key=ended, attempts=1).generate(prompt="hello", max_tokens=1)


def test_no_key_reaches_a_log(bearer: Stacks) -> None:
    value, key_id = made("search")
    client = Client.connect("bearer", api_key=value, attempts=1)
    assert client.generate(prompt="hello", max_tokens=1).texts
    assert client.get("/healthz")[0] == 200
    assert client.get("/v1/other")[0] == 404
    refusal("wrong" * 8)
    logs = boto3.client("logs")
    lines = [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]
    assert not [line for line in lines if value in line or "wrong" * 8 in line]
    # Both logs name the key by its id.
    assert [line for line in lines if f'"api_key_id": "{key_id}"' in line]
    assert [line for line in lines if f'"caller": "{key_id}"' in line]


def test_a_client_that_is_not_in_the_plan(bearer: Stacks) -> None:
    with pytest.raises(Failure, match=r"^'nobody' is no client of the stack cohere-bearer-proxy; allowed: nightly, "):
        keys("create", "nobody")
    assert not [one for one in listed() if one["client"] == "nobody"]


# The last one of this file: no request is accepted from here on.
def test_an_address_outside_the_networks_does_not_reach_the_authorizer(bearer: Stacks, content: Content) -> None:
    value, _ = made("search")
    bearer.deploy(changed(content, {"proxy.rest_api.networks": ["203.0.113.0/24"]}), "proxy")
    client = Client.connect("bearer", api_key=value, attempts=1)
    # Not even a wrong key is told apart.
    for one in (client, Client("https://llm.example.com/", None, "us-east-1", api_key="wrong" * 8, bearer=True)):
        status, body = one.post("/v1/generate", b'{"prompt": "hello", "max_tokens": 1}')
        assert (status, body["code"]) == (403, "refused")
