"""The doctor's own policy: with it every check has an answer, and without any of its actions one has not."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from endpointctl import cli
from endpointctl.doctor import Finding
from endpointctl.doctor.policy import document
from local_aws.conditions import Conditions, set_conditions
from stacks.settings import ENVIRONMENTS, Settings
from tests.support.cloud import Deployed, Stacks
from tests.support.doctor import caller, findings
from tests.support.templates import Content, changed, content_of

# The doctor asks everything: a quota that is too small, a type whose quota is found by its name, alarms, a REST API.
POOLS = [{"instance_type": "ml.g5.xlarge"}, {"instance_type": "ml.g5.24xlarge"}]
VALUES: dict[str, Any] = {
    "endpoint.instance_type": None,
    "endpoint.instance_pools": POOLS,
    "proxy.rest_api": {},
    "alarms": {"email": "oncall@example.com"},
}
CONTENT: Content = changed(content_of(ENVIRONMENTS / "local.yaml"), VALUES)
POLICY = document("local", Settings.model_validate(CONTENT))
ACTIONS = sorted(action for statement in POLICY["Statement"] for action in statement["Action"])


@pytest.fixture(scope="module")
def asked(deployed: Deployed) -> Iterator[None]:
    """An account in which the doctor has to ask everything."""
    email = {"Protocol": "email", "Endpoint": "oncall@example.com"}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"Subscription": [email]}}
    stacks = Stacks("local")
    stacks.give({"operations": {"Resources": {"Topic": topic}}}, "operations")
    quotas = {"ml.g5.xlarge": 1, "ml.g5.24xlarge": 1}
    agreements: Any = {"cohere-gpt-medium": "NONE"}
    conditions = Conditions(quotas=quotas, agreements=agreements, unapplied_quotas=("ml.g5.24xlarge",))
    set_conditions(conditions, deployed.cloud.conditions)
    yield
    deployed.cloud.conditions.unlink()
    stacks.destroy("operations")


def unknown(found: list[Finding]) -> set[str]:
    return {one.check for one in found if one.status == "unknown"} - {"prices"}  # a type without a price


def without(action: str) -> list[dict[str, Any]]:
    statements = [{**one, "Action": [a for a in one["Action"] if a != action]} for one in POLICY["Statement"]]
    return [one for one in statements if one["Action"]]


def test_with_the_policy_every_check_has_an_answer(asked: None) -> None:
    everything = findings(CONTENT)
    with caller(*POLICY["Statement"]):
        found = findings(CONTENT)
    assert unknown(found) == set()
    told = [(one.check, one.status, one.text) for one in found if one.check != "account"]
    assert told == [(one.check, one.status, one.text) for one in everything if one.check != "account"]


@pytest.mark.parametrize("action", ACTIONS)
def test_without_one_action_a_check_has_no_answer(asked: None, action: str) -> None:
    with caller(*without(action)):
        found = findings(CONTENT)
    assert unknown(found)
    assert any(action.partition(":")[2].removeprefix("GET") in one.text for one in found if one.status == "unknown")


def test_the_policy_names_what_is_called_and_nothing_else(asked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    called = set[str]()
    original: Any = botocore_call()

    def call(client: Any, operation: str, arguments: Any) -> Any:
        prefix = client.meta.service_model.signing_name
        called.add("apigateway:GET" if prefix == "apigateway" else f"{prefix}:{operation}")
        return original(client, operation, arguments)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", call)
    findings(CONTENT)
    assert called - {"sts:GetCallerIdentity"} == set(ACTIONS)  # GetCallerIdentity needs no permission


def botocore_call() -> Callable[..., Any]:
    from botocore.client import BaseClient

    found: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]
    return found


def test_the_policy_for_increases_allows_them(asked: None) -> None:
    done = CliRunner().invoke(cli.app, ["doctor", "--env", "local", "--policy", "--fix"])
    statements = json.loads(done.stdout)["Statement"]
    fix = ["doctor", "--env", "local", "--only", "quota", "--fix", "--yes"]
    with caller(*statements[:-1]):
        refused = CliRunner().invoke(cli.app, fix)
    assert refused.exit_code == 1
    assert "AccessDenied" in refused.output
    with caller(*statements):
        assert "requested 2" in CliRunner().invoke(cli.app, fix).output


def test_the_policy_needs_no_account_and_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    done = CliRunner().invoke(cli.app, ["doctor", "--env", "dev", "--policy"])
    resources = [resource for one in json.loads(done.stdout)["Statement"] for resource in one["Resource"]]
    assert done.exit_code == 0
    assert "arn:aws:sagemaker:us-east-1:*:endpoint/*" in resources
    assert [one["Resource"] for one in json.loads(done.stdout)["Statement"] if "*" in one["Resource"]] == [["*"]] * 2
