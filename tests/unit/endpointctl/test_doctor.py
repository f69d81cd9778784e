"""The doctor without a cloud: what AWS may answer, and how the doctor ends."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ConnectTimeoutError
from typer.testing import CliRunner

from endpointctl import cli
from endpointctl.aws import Aws, Caller
from endpointctl.doctor import Account, Finding, Identity, checks, deployed, machine, run, select
from endpointctl.doctor.account import _FIRST
from endpointctl.doctor.finding import ok
from stacks.settings import ENVIRONMENTS, Settings
from tests.support.templates import changed, content_of

ROOT = ENVIRONMENTS.parent
LOCAL = content_of(ENVIRONMENTS / "local.yaml")
ME = Identity(Caller("111122223333", "arn:aws:iam::111122223333:user/me"), 0)
Given = Callable[..., None]
STATES: Any = boto3.client("cloudformation", "us-east-1").meta.service_model.shape_for("StackStatus")


def refusal(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetThing")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """Let AWS return a response of each operation, one after the other where it is a list, or raise it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")

    def give(**responses: Any) -> None:
        def call(_client: Any, operation: str, _arguments: Any) -> Any:
            if operation == "AssumeRole":
                raise refusal("AccessDenied")
            found = responses[operation]
            found = found.pop(0) if isinstance(found, list) else found
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    return give


def findings(*only: str, identity: Identity = ME, **values: Any) -> list[Finding]:
    settings = Settings.model_validate(changed(LOCAL, {key.replace("__", "."): value for key, value in values.items()}))
    return list(run(Account("local", settings, Aws("us-east-1"), identity), select(only)))


# States


@pytest.mark.parametrize("state", STATES.enum)
def test_every_state_of_a_stack_has_a_finding(given: Given, state: str) -> None:
    given(DescribeStacks={"Stacks": [{"StackStatus": state}]})
    found, *_ = findings("stacks")
    blocks = state.endswith(("_FAILED", "_IN_PROGRESS")) and state != "REVIEW_IN_PROGRESS"
    assert found.status == ("wrong" if blocks else "ok")
    assert state in found.text
    assert bool(found.fix) == blocks
    assert not blocks or "--stack-name cohere-local-endpoint --region us-east-1" in found.fix


@pytest.mark.parametrize(
    ("state", "command"),
    [
        ("CREATE_FAILED", "aws cloudformation rollback-stack"),
        ("UPDATE_FAILED", "aws cloudformation rollback-stack"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback"),
        ("ROLLBACK_FAILED", "aws cloudformation delete-stack"),
        ("DELETE_FAILED", "aws cloudformation delete-stack"),
        ("CREATE_IN_PROGRESS", "aws cloudformation wait stack-create-complete"),
        ("UPDATE_IN_PROGRESS", "aws cloudformation wait stack-update-complete"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "aws cloudformation wait stack-update-complete"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "aws cloudformation wait stack-rollback-complete"),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "aws cloudformation wait stack-rollback-complete"),
        ("DELETE_IN_PROGRESS", "aws cloudformation wait stack-delete-complete"),
        ("ROLLBACK_IN_PROGRESS", "wait until it is ROLLBACK_COMPLETE"),
    ],
)
def test_the_command_that_leaves_a_state(given: Given, state: str, command: str) -> None:
    given(DescribeStacks={"Stacks": [{"StackStatus": state}]})
    assert command in findings("stacks")[0].fix


def test_the_commands_exist() -> None:
    operations = boto3.client("cloudformation", "us-east-1")
    waiters = set(operations.waiter_names)
    assert {name.replace("-", "_") for _, name in deployed._WAITERS} <= waiters
    for name in deployed._LEAVING.values():
        assert hasattr(operations, name.replace("-", "_"))


def test_an_endpoint_of_a_stack_that_is_changing_is_not_known(given: Given) -> None:
    given(DescribeStacks={"Stacks": [{"StackStatus": "UPDATE_IN_PROGRESS"}]})
    (found,) = findings("endpoint-name")
    assert (found.status, found.text) == ("unknown", "cohere-local-endpoint is changing at this moment")


# Quotas


QUOTA = {"QuotaCode": "L-1", "QuotaName": "ml.g5.24xlarge for endpoint usage", "Value": 4.0}
NO_SUCH = refusal("NoSuchResourceException")


def test_a_quota_is_found_by_its_name_on_a_later_page(given: Given) -> None:
    pages = [{"Quotas": [{"QuotaCode": "L-0", "QuotaName": "other"}], "NextToken": "2"}, {"Quotas": [QUOTA]}]
    given(ListAWSDefaultServiceQuotas=pages, GetServiceQuota={"Quota": QUOTA})
    (found,) = findings("region", endpoint__instance_type="ml.g5.24xlarge")
    assert (found.status, found.text) == ("ok", "us-east-1 has a quota for ml.g5.24xlarge")


def test_a_quota_that_nobody_changed_has_its_default(given: Given) -> None:
    given(
        GetServiceQuota=NO_SUCH,
        GetAWSDefaultServiceQuota={"Quota": {**QUOTA, "Value": 0.0}},
        ListEndpoints={"Endpoints": []},
        ListRequestedServiceQuotaChangeHistoryByQuota={"RequestedQuotas": [{"Status": "DENIED", "DesiredValue": 2.0}]},
    )
    (found,) = findings("quota")
    assert found.status == "wrong"
    assert ": 0; needed: 2 =" in found.text
    assert found.increase
    assert (found.increase.code, found.increase.value) == ("L-1", 2)


def variant(name: str, **summary: Any) -> dict[str, Any]:
    return {"VariantName": name, **summary}


def test_what_other_endpoints_run_is_counted_by_type(given: Given) -> None:
    """Of pools what runs, or the first one's type; the larger of what is and what is wanted; nothing that failed."""
    names = [("a", "InService"), ("b", "Updating"), ("gone", "Deleting"), ("broken", "Failed")]
    pools = [{"InstanceType": "ml.p5.48xlarge", "Priority": 2}, {"InstanceType": "ml.g5.xlarge", "Priority": 1}]
    placed = [{"InstanceType": "ml.g5.xlarge", "CurrentInstanceCount": 2}, {"InstanceType": "ml.p5.48xlarge"}]
    described = {
        "a": {"ProductionVariants": [variant("v", CurrentInstanceCount=1, DesiredInstanceCount=3)]},
        "b": {"ProductionVariants": [variant("v", CurrentInstanceCount=2, InstancePools=placed), variant("w")]},
    }
    configs = {
        "a": [variant("v", InstanceType="ml.g5.xlarge")],
        "b": [variant("v", InstancePools=pools), variant("w", InstancePools=pools)],
    }

    class Asked(Account):
        def call(self, service: str, operation: str, **request: Any) -> Any:
            if operation == "list_endpoints":
                return {"Endpoints": [{"EndpointName": name, "EndpointStatus": status} for name, status in names]}
            if operation == "describe_endpoint":
                name = request["EndpointName"]
                if name == "gone":
                    raise refusal("ValidationException", 'Could not find endpoint "gone".')
                return {"EndpointConfigName": name, **described[name]}
            if operation == "describe_endpoint_config":
                return {"ProductionVariants": configs[request["EndpointConfigName"]]}
            return {"Quota": {**QUOTA, "Value": 7.0}}

    account = Asked("local", Settings.model_validate(LOCAL), Aws("us-east-1"), ME)
    (found,) = run(account, select(("quota",)))
    assert (found.status, found.text.partition(": ")[2]) == (
        "ok",
        "7; needed: 7 = 5 of other endpoints + 2 x 1 while an update runs both fleets",
    )


# Subscriptions


PACKAGE = {
    "ModelPackageStatus": "Completed",
    "InferenceSpecification": {"Containers": [{"ProductId": "prod-abc"}]},
}


def agreement(product: str, status: str = "ACTIVE") -> dict[str, Any]:
    return {"status": status, "proposalSummary": {"resources": [{"id": product}]}}


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ([agreement("prod-abc", "EXPIRED"), agreement("prod-abc")], [], "ok"),
        ([agreement("prod-abc", "TERMINATED")], [], "wrong"),
        ([], [], "wrong"),
        ([], [agreement("prod-other")], "wrong"),
        # The agreements call their products otherwise: that none is ours says nothing.
        ([], [agreement("0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f")], "unknown"),
    ],
)
def test_agreements(given: Given, first: list[Any], second: list[Any], status: str) -> None:
    answers = [{"agreementViewSummaries": first}, {"agreementViewSummaries": second}]
    given(DescribeModelPackage=PACKAGE, SearchAgreements=answers)
    (found,) = findings("subscription")
    assert found.status == status
    assert status == "ok" or found.fix


def test_a_package_that_names_no_product_and_no_types_is_not_known(given: Given) -> None:
    given(DescribeModelPackage={"ModelPackageStatus": "Completed"})
    assert [one.status for one in findings("package", "subscription")] == ["unknown", "unknown"]


def test_a_package_that_is_not_completed(given: Given) -> None:
    given(DescribeModelPackage={**PACKAGE, "ModelPackageStatus": "Failed"})
    assert findings("package")[0].status == "wrong"


# Lambda


@pytest.mark.parametrize(
    ("unreserved", "exists", "own", "status"),
    [
        (132, False, {}, "ok"),
        (131, False, {}, "wrong"),  # others have reserved the rest of the account's 1000
        (115, True, {"ReservedConcurrentExecutions": 17}, "ok"),  # what the function has now is free again
        (114, True, {"ReservedConcurrentExecutions": 17}, "wrong"),
        (131, True, {}, "wrong"),
        (0, True, refusal("AccessDenied"), "unknown"),
    ],
)
def test_100_of_the_accounts_concurrency_stay_unreserved(
    given: Given, unreserved: int, exists: bool, own: Any, status: str
) -> None:
    limit = {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": unreserved}}
    stack = {"Stacks": [{"Outputs": [{"OutputKey": "FunctionName", "OutputValue": "f"}]}]}
    none = refusal("ValidationError", "Stack with id cohere-local-proxy does not exist")
    given(GetAccountSettings=limit, DescribeStacks=stack if exists else none, GetFunctionConcurrency=own)
    assert [one.status for one in findings("concurrency")] == [status]


@pytest.mark.parametrize(
    ("unreserved", "deployed", "statuses"), [(101, False, ["ok"]), (100, False, ["wrong"]), (0, True, [])]
)
def test_the_switch_needs_a_concurrency_of_one(
    given: Given, unreserved: int, deployed: bool, statuses: list[str]
) -> None:
    limit = {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": unreserved}}
    parameters = [{"ParameterKey": "Awake", "ParameterValue": "false"}] if deployed else []
    given(GetAccountSettings=limit, DescribeStacks={"Stacks": [{"Parameters": parameters}]})
    found = findings("concurrency", proxy__reserved_concurrency="account", endpoint__sleep={})
    assert [one.status for one in found] == statuses
    assert all(": endpoint.sleep: 1 cannot be reserved" in one.text for one in found if one.status == "wrong")


def test_the_accounts_own_pool_is_not_asked_for(given: Given) -> None:
    given()
    assert findings("concurrency", proxy__reserved_concurrency="account") == []


# The machine


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout that lacks what is not in Git."""
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    return tmp_path


def test_a_cli_that_is_missing_or_another_one(given: Given, checkout: Path) -> None:
    assert findings("tools")[-1].status == "wrong"
    folder = checkout / "node_modules" / "aws-cdk"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"version": "3.0.0"}', "utf-8")
    assert findings("tools")[-1].text.startswith("the CDK CLI is 3.0.0, and package-lock.json pins 2.")


@pytest.mark.parametrize(
    ("printed", "status", "text"),
    [("v20.19.1", "wrong", "Node v20.19.1 is too old; the CDK CLI needs 22"), ("oops", "unknown", "no version")],
)
def test_a_node_that_is_too_old(
    given: Given, checkout: Path, monkeypatch: pytest.MonkeyPatch, printed: str, status: str, text: str
) -> None:
    node = checkout / "node"
    node.write_text(f"#!/bin/sh\necho {printed}\n", "utf-8")
    node.chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(checkout))
    monkeypatch.setenv("PATH", str(checkout))
    found = findings("tools")[1]
    assert (found.status, text in found.text) == (status, True)
    node.unlink()
    assert "Node is not installed" in findings("tools")[1].text


def test_an_old_python(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    assert findings("tools")[0].text == "Python 3.10.4 is older than 3.11"


def test_a_region_without_prices() -> None:
    settings = Settings.model_validate(changed(content_of(ENVIRONMENTS / "dev.yaml"), {"region": "us-east-1"}))
    elsewhere = settings.model_copy(update={"region": "eu-west-1"})
    account = Account("dev", elsewhere, Aws("eu-west-1"), ME)
    (found,) = run(account, select(("prices",)))
    assert (found.status, "prices of us-east-1 only" in found.text) == ("unknown", True)


def test_a_response_without_a_date(given: Given) -> None:
    given(GetCallerIdentity={"Account": "111122223333", "Arn": "a", "ResponseMetadata": {}})
    identity = Identity.of(Aws("us-east-1"))
    assert identity.skew_seconds is None
    assert findings("clock", identity=identity)[0].status == "unknown"


def test_the_clock_is_compared_by_the_date_of_the_response(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = {"HTTPHeaders": {"date": "Wed, 25 Nov 2026 12:00:00 GMT"}}
    given(GetCallerIdentity={"Account": "111122223333", "Arn": "a", "ResponseMetadata": metadata})
    monkeypatch.setattr("endpointctl.doctor.account.now", lambda: datetime(2026, 11, 25, 12, 5, 1, tzinfo=UTC))
    found = findings("clock", identity=Identity.of(Aws("us-east-1")))[0]
    assert (found.status, "301 s ahead of AWS's" in found.text) == ("wrong", True)


# How it goes on, and ends


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (refusal("AccessDenied"), "AWS denies you GetThing"),
        (refusal("ThrottlingException", "Rate exceeded"), "AWS refused: ThrottlingException: Rate exceeded"),
        (refusal("ExpiredToken"), "your AWS credentials have expired"),
        (ConnectTimeoutError(endpoint_url="https://x"), "AWS cannot be reached"),
        (KeyError("Quota"), "the check failed: KeyError: 'Quota'"),
        (RuntimeError("two\nlines"), "the check failed: RuntimeError: two lines"),
    ],
)
def test_a_check_that_fails_is_unknown_and_the_others_go_on(
    given: Given, monkeypatch: pytest.MonkeyPatch, raised: Exception, text: str
) -> None:
    def fails(_: Account) -> Any:
        yield ok("before")
        raise raised

    monkeypatch.setattr(checks, "CHECKS", (checks.Check("a", fails), checks.Check("b", lambda _: [ok("fine")])))
    account = Account("local", Settings.model_validate(LOCAL), Aws("us-east-1"), ME)
    first, second, third = run(account, checks.CHECKS)
    assert (first.check, first.text, third.check, third.text) == ("a", "before", "b", "fine")
    assert second.status == "unknown"
    assert second.text.startswith(text)


def test_no_network_takes_seconds() -> None:
    """Two attempts to connect, once: nothing else is asked."""
    assert _FIRST.connect_timeout * _FIRST.retries["total_max_attempts"] <= 6  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("options", "variables", "text"),
    [
        ([], {}, "no AWS credentials: sign in first"),
        ([], {"AWS_PROFILE": "nobody"}, "The config profile (nobody) could not be found"),
        ([], {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}, "AWS cannot be reached: "),
        (["--only", "quotas"], {}, "'quotas' is no check; allowed: account, clock, tools"),
        (["--skip", "x"], {}, "'x' is no check"),
        (["--stack", "x"], {}, "--stack x is no stack of an environment; allowed: endpoint, proxy, operations"),
        (["--env", "stage"], {}, "environment: 'stage' does not exist"),
    ],
)
def test_what_keeps_it_from_running_is_one_line_and_code_2(
    tmp_path: Path, options: list[str], variables: dict[str, str], text: str
) -> None:
    nobody = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    elsewhere = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    command = [sys.executable, "-m", "endpointctl", "doctor", "--env", "dev", *options]
    environment = {**nobody, **elsewhere, **variables}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert text in done.stderr


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ExpiredToken", "your AWS credentials have expired"),
        ("InvalidClientTokenId", "AWS refused: InvalidClientToken"),
    ],
)
def test_credentials_that_aws_refuses(given: Given, code: str, text: str) -> None:
    refused: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {}}
    given(GetCallerIdentity=ClientError(refused, "x"))
    done = CliRunner().invoke(cli.app, ["doctor", "--env", "local"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert text in done.stderr


def test_the_findings_json_is_complete_while_nothing_can_be_asked(given: Given) -> None:
    given(GetCallerIdentity={"Account": "999988887777", "Arn": "a", "ResponseMetadata": {}})
    done = CliRunner().invoke(cli.app, ["doctor", "--env", "local", "--json", "--skip", "tools"])
    assert done.exit_code == 1
    found = json.loads(done.stdout)["findings"]
    assert {one["status"] for one in found if one["check"] not in ("account", "clock", "prices")} == {"unknown"}
