"""The doctor on the local cloud: each fault that it looks for is produced, and found."""

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import botocore.auth
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from endpointctl import cli
from endpointctl.doctor import NAMES, Finding, machine
from endpointctl.doctor import account as account_module
from local_aws.conditions import Conditions
from tests.support.cloud import Deployed, StackFailed, Stacks
from tests.support.doctor import caller, findings
from tests.support.templates import ROOT, Content, changed

BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
PACKAGE = "cohere-gpt-medium"
BROKEN = {"Resources": {"Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointConfigName": "no"}}}}
LOCALLY = {"account", "clock", "tools", "prices"}
Conditioned = Callable[[Conditions], None]


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["doctor", "--env", "local", *arguments])


def assert_found(found: list[Finding], status: str, text: str, fix: str = "") -> None:
    (one,) = found
    assert one.status == status, one
    assert re.search(text, one.text), one
    assert re.search(fix, one.fix), one


def test_all_is_well_after_a_deployment(deployed: Deployed, content: Content) -> None:
    found = findings(content)
    assert [one for one in found if one.status != "ok"] == []
    assert {one.check for one in found} == set(NAMES) - {"log-role", "alarm-email"}  # what local.yaml does not use
    done = doctor()
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, f"local: {len(found)} ok, 0 wrong, 0 unknown")
    assert done.stdout.splitlines()[0].startswith("ok      account       account 111122223333, us-east-1, as arn:")


# What the conditions produce: check, status, text, fix.
CONDITIONS: list[tuple[Conditions, str, str, str, str]] = [
    (Conditions(unsubscribed=(PACKAGE,)), "subscription", "wrong", "AWS has no package", "copy the ARN"),
    (
        Conditions(unsubscribed=(PACKAGE,)),
        "package",
        "wrong",
        "not subscribed, or another ARN",
        "subscribe at https://",
    ),
    (Conditions(agreements={PACKAGE: "NONE"}), "subscription", "wrong", "^not subscribed to cohere-gpt", "^https://"),
    (Conditions(agreements={PACKAGE: "EXPIRED"}), "subscription", "wrong", "is EXPIRED", "^https://"),
    (Conditions(quotas={"ml.g5.xlarge": 1}), "quota", "wrong", r"usage: 1; needed: 2 = 0 .* \+ 2 x 1", "--fix"),
    (Conditions(quotas={"ml.g5.xlarge": 0}), "quota", "wrong", "usage: 0; needed: 2", "--fix"),
    (Conditions(quotas={"ml.g5.xlarge": 2}), "quota", "ok", "usage: 2; needed: 2", "^$"),
    (Conditions(missing_types=("ml.g5.",)), "region", "wrong", "us-east-1 has no quota for it", "another type"),
]


@pytest.mark.parametrize(("conditions", "check", "status", "text", "fix"), CONDITIONS)
def test_a_fault_of_the_account(
    account: Conditioned, content: Content, conditions: Conditions, check: str, status: str, text: str, fix: str
) -> None:
    account(conditions)
    assert_found(findings(content, check), status, text, fix)


# What the environment's file produces: other values, check, status, text, fix.
FILES: list[tuple[dict[str, Any], str, str, str, str]] = [
    ({"proxy__reserved_concurrency": 5000}, "concurrency", "wrong", "5000 cannot be reserved", "L-B99A9384"),
    ({"proxy__rest_api": {}}, "log-role", "wrong", "API Gateway has no role for access logs", "^set it to true here"),
    ({"account": "999988887777"}, "account", "wrong", r"not the account of your credentials \(1111", "^sign in"),
    (
        {"alarms": {"email": "a@example.com"}},
        "alarm-email",
        "unknown",
        "cohere-local-operations has no topic yet",
        "^$",
    ),
    ({"endpoint__name": "others"}, "endpoint-name", "wrong", "others exists, and is not the one", "delete-endpoint"),
    ({"endpoint__instance_type": "ml.g5.16xlarge"}, "prices", "unknown", r"^ml\.g5\.16xlarge: no price", "^https://"),
    ({"endpoint__instance_type": "ml.p4de.24xlarge"}, "package", "wrong", "does not declare it", "allowed: ml.g5"),
    ({"endpoint__instance_count": 4}, "quota", "ok", r"needed: 9 = 1 of other endpoints \+ 2 x 4", "^$"),
    (
        {"endpoint__autoscaling": {"max_instances": 30, "target": 4}},
        *("quota", "wrong", r"needed: 31 = 1 of other endpoints \+ 30 by autoscaling", "--fix"),
    ),
]


@pytest.mark.parametrize(("values", "check", "status", "text", "fix"), FILES)
def test_a_fault_of_the_file(
    others: None, content: Content, values: dict[str, Any], check: str, status: str, text: str, fix: str
) -> None:
    assert_found(findings(content, check, **values), status, text, fix)


@pytest.fixture
def others(deployed: Deployed) -> Iterator[None]:
    """An endpoint that somebody made by hand, of the same type."""
    sagemaker = deployed.sagemaker
    config = sagemaker.describe_endpoint(EndpointName="cohere-local")["EndpointConfigName"]
    sagemaker.create_endpoint(EndpointName="others", EndpointConfigName=config)
    wait: Any = {"Delay": 0.1, "MaxAttempts": 100}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="others", WaiterConfig=wait)
    yield
    sagemaker.delete_endpoint(EndpointName="others")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="others", WaiterConfig=wait)


def test_an_endpoint_that_is_still_made_counts(deployed: Deployed, content: Content, others: None) -> None:
    found = findings(changed(content, {"endpoint.name": "cohere-new"}), "quota", environment="new")
    assert_found(found, "ok", "needed: 4 = 2 of other endpoints")


@pytest.fixture
def bootstrap_version(deployed: Deployed) -> Iterator[Callable[[str | None], None]]:
    ssm = boto3.client("ssm")
    before = ssm.get_parameter(Name=BOOTSTRAP)["Parameter"]["Value"]

    def put(value: str | None) -> None:
        if value is None:
            ssm.delete_parameter(Name=BOOTSTRAP)
        else:
            ssm.put_parameter(Name=BOOTSTRAP, Value=value, Type="String", Overwrite=True)

    yield put
    put(before)


@pytest.mark.parametrize(
    ("version", "status", "text"),
    [
        (None, "wrong", "us-east-1 is not bootstrapped"),
        ("5", "wrong", "the bootstrap version is 5, and 6 is required"),
        ("6", "ok", "6"),
        ("new", "unknown", "the check failed: ValueError"),
    ],
)
def test_the_bootstrap(
    bootstrap_version: Callable[[str | None], None], content: Content, version: str | None, status: str, text: str
) -> None:
    bootstrap_version(version)
    assert_found(findings(content, "bootstrap"), status, text, "make bootstrap ENV=local" if status == "wrong" else "")


def created(name: str, **options: Any) -> str:
    """Create a stack that fails; return its status at the end."""
    cloudformation: Any = boto3.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(BROKEN), **options)
    until = time.monotonic() + 20
    while True:
        status = str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
        if not status.endswith("IN_PROGRESS"):
            return status
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("options", "state", "status", "text", "fix"),
    [
        ({}, "ROLLBACK_COMPLETE", "ok", "the next one deletes it and creates it anew", "^$"),
        (
            {"EnableTerminationProtection": True},
            *("ROLLBACK_COMPLETE", "wrong", "keeps the CDK from deleting it", "--no-enable-termination-protection"),
        ),
        (
            {"OnFailure": "DO_NOTHING"},
            "CREATE_FAILED",
            "wrong",
            "is CREATE_FAILED",
            "rollback-stack --stack-name cohere",
        ),
    ],
)
def test_a_stack_whose_first_deployment_failed(
    deployed: Deployed, content: Content, options: dict[str, Any], state: str, status: str, text: str, fix: str
) -> None:
    name = "cohere-failed-endpoint"
    try:
        assert created(name, **options) == state
        found = findings(content, "stacks", environment="failed")
        assert_found(found[:1], status, text, fix)
        assert found[1].text == "cohere-failed-proxy is not deployed yet"
    finally:
        cloudformation = deployed.cloudformation
        with contextlib.suppress(AttributeError):
            cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
        cloudformation.delete_stack(StackName=name)


def test_an_endpoint_that_was_deleted_behind_cloudformations_back(deployed: Deployed, content: Content) -> None:
    content = changed(content, {"endpoint.name": "cohere-gone"})
    stacks = Stacks("gone")
    stacks.deploy(content, "endpoint")
    assert_found(
        findings(content, "endpoint-name", environment="gone"), "ok", "the endpoint cohere-gone is the stack's"
    )
    deployed.sagemaker.delete_endpoint(EndpointName="cohere-gone")
    wait: Any = {"Delay": 0.1, "MaxAttempts": 100}
    deployed.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="cohere-gone", WaiterConfig=wait)
    found = findings(content, "endpoint-name", environment="gone")
    assert_found(found, "wrong", "was deleted by hand", "make deploy ENV=gone DOCTOR=no ARGS=--revert-drift")
    stacks.destroy("endpoint")


def test_an_endpoint_that_sleeps_is_no_fault(deployed: Deployed, content: Content) -> None:
    content = changed(content, {"endpoint.name": "cohere-nap", "endpoint.sleep": {"idle_minutes": 30}})
    stacks, cloudformation = Stacks("nap"), deployed.cloudformation
    stacks.deploy(content, "endpoint")
    awake: Any = [{"ParameterKey": "Awake", "ParameterValue": "false"}]
    name, capabilities = "cohere-nap-endpoint", list[Any](["CAPABILITY_NAMED_IAM"])
    cloudformation.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=awake, Capabilities=capabilities)
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    found = findings(content, "endpoint-name", "quota", environment="nap")
    assert [one.status for one in found] == ["ok", "ok"]
    assert "needed: 3 = 1 of other endpoints + 2 x 1" in found[0].text
    assert found[1].text == "no endpoint has the name cohere-nap yet"
    stacks.destroy("endpoint")


def test_an_address_that_nobody_has_confirmed(deployed: Deployed, content: Content) -> None:
    stacks, sns = Stacks("local"), boto3.client("sns")
    stacks.deploy(changed(content, {"alarms": {"email": "oncall@example.com"}}), "operations")
    try:
        found = findings(content, "alarm-email", alarms={"email": "oncall@example.com"})
        assert_found(found, "wrong", "^oncall@example.com: .* is not confirmed", "open the link in AWS's e-mail")
        (subscription,) = sns.list_subscriptions()["Subscriptions"]
        token = subscription["SubscriptionArn"].rpartition(":")[2]
        sns.confirm_subscription(TopicArn=subscription["TopicArn"], Token=token)
        assert_found(findings(content, "alarm-email", alarms={"email": "oncall@example.com"}), "ok", "1 confirmed")
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        found = findings(content, "alarm-email", alarms={"topic_arn": subscription["TopicArn"]})
        assert_found(found, "wrong", "has no subscription", "endpoint ADDRESS")
    finally:
        stacks.destroy("operations")


@pytest.mark.parametrize(("day", "status"), [(date(2027, 4, 29), "ok"), (date(2027, 5, 1), "unknown")])
def test_old_prices_are_flagged_and_stop_nothing(
    deployed: Deployed, content: Content, monkeypatch: pytest.MonkeyPatch, day: date, status: str
) -> None:
    monkeypatch.setattr(machine, "today", lambda: day)
    assert_found(findings(content, "prices"), status, "the prices in instances.toml are of 2026-11")


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_clock_that_is_wrong(
    deployed: Deployed, content: Content, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """AWS refuses the signature; the date of its refusal says why."""

    def moved(*_: Any, **__: Any) -> datetime:
        return datetime.now(UTC) + timedelta(minutes=minutes)

    monkeypatch.setattr(account_module, "now", moved)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: moved().replace(tzinfo=None))
    found = {one.check: one for one in findings(content)}
    where = "ahead of" if minutes > 0 else "behind"
    assert_found([found["clock"]], "wrong", rf"clock is 1?[12]\d\d s {where} AWS's", "timedatectl")
    assert {name for name, one in found.items() if one.status == "unknown"} == found.keys() - LOCALLY | {"account"}
    assert doctor().exit_code == 1


def test_a_caller_without_any_permission_stops_nothing(deployed: Deployed, content: Content) -> None:
    with caller():
        found = findings(content, alarms={"email": "a@example.com"}, proxy__rest_api={})
        done = doctor()
    assert {one.check for one in found if one.status == "ok"} == LOCALLY
    others = [one for one in found if one.check not in LOCALLY]
    assert {one.check for one in others} == set(NAMES) - LOCALLY
    assert {one.status for one in others} == {"unknown"}
    assert all(one.text.startswith("AWS denies you ") and "--policy" in one.fix for one in others)
    assert done.exit_code == 0


def test_a_caller_of_another_account_gets_no_answers_about_it(deployed: Deployed, content: Content) -> None:
    found = findings(content, account="999988887777")
    unknown = {one.check for one in found if one.status == "unknown"}
    assert unknown == {one.check for one in found} - LOCALLY
    assert {one.text for one in found if one.status == "unknown"} == {"the credentials are of another account"}


def test_a_pipeline_gets_its_answers_by_the_role_for_look_ups(deployed: Deployed, content: Content) -> None:
    lookup = "arn:aws:iam::111122223333:role/cdk-hnb659fds-lookup-role-111122223333-us-east-1"
    with caller({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": lookup}):
        found = findings(content)
    answered = {one.check for one in found if one.status == "ok"}
    assert {"bootstrap", "quota", "endpoint-name", "stacks"} <= answered


def test_the_increase_of_a_quota_is_requested_once(deployed: Deployed, account: Conditioned) -> None:
    account(Conditions(quotas={"ml.g5.xlarge": 1}))
    only = ("--only", "quota", "--fix")
    asked = CliRunner().invoke(cli.app, ["doctor", "--env", "local", *only], input="n\n")
    assert (asked.exit_code, "Request 2 of ml.g5.xlarge for endpoint usage in us-east-1?" in asked.output) == (1, True)
    quotas = boto3.client("service-quotas")
    history = {"ServiceCode": "sagemaker", "QuotaCode": "L-1928E07B"}
    assert quotas.list_requested_service_quota_change_history_by_quota(**history)["RequestedQuotas"] == []
    done = doctor(*only, "--yes")
    assert (done.exit_code, "requested 2" in done.output) == (1, True)
    again = doctor(*only, "--yes")
    assert (again.exit_code, "nothing to request" in again.output) == (1, True)
    assert "wait: 2 were requested, and the request is PENDING" in again.stdout
    (made,) = quotas.list_requested_service_quota_change_history_by_quota(**history)["RequestedQuotas"]
    assert (made["DesiredValue"], made["Status"]) == (2, "PENDING")


def test_findings_for_programs(deployed: Deployed, account: Conditioned) -> None:
    account(Conditions(missing_types=("ml.g5.",)))
    done = doctor("--json", "--only", "region", "--only", "bootstrap")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert document["environment"] == "local"
    assert [(one["check"], one["status"]) for one in document["findings"]] == [("bootstrap", "ok"), ("region", "wrong")]


def test_what_concerns_one_stack(deployed: Deployed) -> None:
    done = doctor("--stack", "proxy", "--json", "--skip", "tools")
    names = [one["check"] for one in json.loads(done.stdout)["findings"]]
    assert names == ["account", "clock", "prices", "bootstrap", "concurrency", "stacks"]


def test_a_deployment_that_would_fail_is_the_one_that_it_warns_of(
    deployed: Deployed, account: Conditioned, content: Content
) -> None:
    """The doctor says of a quota what the deployment then says, twenty minutes earlier."""
    account(Conditions(quotas={"ml.g5.xlarge": 1}))
    content = changed(content, {"endpoint.name": "cohere-late"})
    assert_found(findings(content, "quota", environment="late"), "wrong", "usage: 1; needed: 3 = 1 of other endpoints")
    stacks = Stacks("late")
    with pytest.raises(StackFailed, match=r"service limit 'ml\.g5\.xlarge for endpoint usage' is 1 Instances"):
        stacks.deploy(content, "endpoint")
    stacks.destroy("endpoint")


@pytest.mark.parametrize(
    "filters",
    [
        {"PartyType": "Acceptor"},
        {"AgreementType": "PurchaseAgreement"},
        {"PartyType": "Proposer", "AgreementType": "PurchaseAgreement"},
        {"PartyType": "Acceptor", "AgreementType": "PurchaseAgreement", "ResourceIdentifier": "x", "OfferId": "y"},
        {"PartyType": "Acceptor", "AgreementType": "PurchaseAgreement", "ResourceType": "x", "Status": "ACTIVE"},
    ],
)
def test_a_search_of_agreements_that_is_refused(deployed: Deployed, filters: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        agreements(filters)


def agreements(filters: dict[str, str], region: str = "us-east-1") -> list[Any]:
    given: Any = [{"name": name, "values": [value]} for name, value in filters.items()]
    client = boto3.client("marketplace-agreement", region)
    return list(client.search_agreements(catalog="AWSMarketplace", filters=given)["agreementViewSummaries"])


def test_agreements_are_found_by_product_and_status(deployed: Deployed, account: Conditioned) -> None:
    buyer = {"PartyType": "Acceptor", "AgreementType": "PurchaseAgreement"}
    account(Conditions(agreements={"cohere-command-r-plus": "EXPIRED"}))
    (product, *_) = {one["proposalSummary"]["resources"][0]["id"] for one in agreements({**buyer, "Status": "EXPIRED"})}
    of_product = agreements({**buyer, "ResourceIdentifier": product})
    assert of_product
    assert {one["proposalSummary"]["resources"][0]["id"] for one in of_product} == {product}
    assert agreements({**buyer, "ResourceIdentifier": "prod-nobody"}) == []
    assert len(agreements({**buyer, "ResourceType": "MachineLearningProduct"})) > len(of_product)
    with pytest.raises(ClientError):
        agreements(buyer, "eu-west-1")


def test_an_increase_that_is_refused(deployed: Deployed, account: Conditioned) -> None:
    account(Conditions(missing_types=("ml.p2.",)))
    quotas: Any = boto3.client("service-quotas")
    names = [one["QuotaName"] for one in quotas.list_aws_default_service_quotas(ServiceCode="sagemaker")["Quotas"]]
    assert "ml.p3.2xlarge for endpoint usage" in names
    assert not [name for name in names if "ml.p2." in name]
    wanted = {"ServiceCode": "sagemaker", "QuotaCode": "L-456B4C5F"}
    with pytest.raises(ClientError, match="IllegalArgumentException"):
        quotas.request_service_quota_increase(**wanted, DesiredValue=20)
    quotas.request_service_quota_increase(**wanted, DesiredValue=21)
    with pytest.raises(ClientError, match=r"ResourceAlreadyExistsException.*Only one open"):
        quotas.request_service_quota_increase(**wanted, DesiredValue=22)
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        quotas.request_service_quota_increase(**{**wanted, "QuotaCode": "L-0"}, DesiredValue=21)


INSTALLED = [word for stamp in (".venv/.runtime", "node_modules/.installed") for word in ("-o", stamp)]


def make(deployed: Deployed, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *INSTALLED, *arguments, "ENV=local"]
    environment = {
        name: value
        for name, value in deployed.cloud.environment().items()
        if not name.startswith(("MAKE", "MFLAGS")) and name not in ("ARGS", "DOCTOR")
    }
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_make_deploy_stops_before_it_changes_anything(deployed: Deployed, account: Conditioned) -> None:
    account(Conditions(quotas={"ml.g5.xlarge": 1}))
    written = ROOT / "cdk.local.out"
    before = written.stat().st_mtime if written.exists() else None
    done = make(deployed, "deploy")
    assert done.returncode == 2  # make's own
    assert "wrong   quota" in done.stdout
    assert (written.stat().st_mtime if written.exists() else None) == before


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ([], "endpointctl doctor --skip alarm-email   --env local"),
        (["DOCTOR=no"], "endpointctl check --env local"),
        (["DOCTOR=--skip quota", "STACK=proxy"], "doctor --skip alarm-email --stack proxy --skip quota --env local"),
    ],
)
def test_what_make_deploy_begins_with(deployed: Deployed, given: list[str], first: str) -> None:
    done = make(deployed, "-n", "deploy", *given)
    assert done.stdout.splitlines()[0].endswith(first)
    assert "synth" in done.stdout.splitlines()[1]


def test_an_assembly_is_deployed_without_the_doctor(deployed: Deployed) -> None:
    assert "endpointctl" not in make(deployed, "-n", "deploy", "ASSEMBLY=cdk.out").stdout
