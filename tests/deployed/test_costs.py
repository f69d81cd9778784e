"""The budget of an environment, and AWS's price list, on the local cloud."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from endpointctl import cli, templates
from endpointctl.prices import live
from endpointctl.prices.price_list import Price, Unknown
from local_aws.conditions import Conditions
from local_aws.runner.cloud import ACCOUNT
from tests.support.cloud import Deployed, Stacks, policy
from tests.support.templates import Content, changed, templates_of

BUDGET = {"budget": {"usd_per_month": 1200.0, "email": "team@example.com"}}


def budgets() -> list[Any]:
    client: Any = boto3.client("budgets", region_name="us-east-1")
    return list(client.describe_budgets(AccountId=ACCOUNT).get("Budgets", []))


def addresses(name: str) -> set[str]:
    client: Any = boto3.client("budgets", region_name="us-east-1")
    wanted = {"AccountId": ACCOUNT, "BudgetName": name}
    found = client.describe_notifications_for_budget(**wanted)["Notifications"]
    notified = [{key: one[key] for key in one if key != "NotificationState"} for one in found]
    assert [(one["NotificationType"], one["Threshold"]) for one in notified] == [
        ("ACTUAL", 80),
        ("ACTUAL", 100),
        ("FORECASTED", 100),
    ]
    return {
        subscriber["Address"]
        for one in notified
        for subscriber in client.describe_subscribers_for_notification(**wanted, Notification=one)["Subscribers"]
    }


def test_a_budget_is_made_changed_and_deleted(deployed: Deployed, local: Stacks, content: Content) -> None:
    """A new address or amount deploys, although CloudFormation cannot change a budget's notifications."""
    local.deploy(changed(content, BUDGET), "operations")
    (first,) = budgets()
    assert first["BudgetLimit"] == {"Amount": "1200", "Unit": "USD"}
    assert first["CostFilters"] == {"TagKeyValue": ["user:project$cohere", "user:environment$local"]}
    assert addresses(first["BudgetName"]) == {"team@example.com"}
    explorer: Any = boto3.client("ce", region_name="us-east-1")
    (monitor,) = explorer.get_anomaly_monitors()["AnomalyMonitors"]
    assert monitor["MonitorSpecification"]["Tags"]["Values"] == ["cohere"]
    (subscription,) = explorer.get_anomaly_subscriptions()["AnomalySubscriptions"]
    assert subscription["MonitorArnList"] == [monitor["MonitorArn"]]
    assert [one["Address"] for one in subscription["Subscribers"]] == ["team@example.com"]

    local.deploy(changed(content, {"budget": {**BUDGET["budget"], "usd_per_month": 99.5}}), "operations")
    (second,) = budgets()
    assert (second["BudgetName"], second["BudgetLimit"]["Amount"]) == (first["BudgetName"], "99.5")

    local.deploy(changed(content, {"budget": {"usd_per_month": 99.5, "email": "other@example.com"}}), "operations")
    (third,) = budgets()
    assert third["BudgetName"] != first["BudgetName"]
    assert addresses(third["BudgetName"]) == {"other@example.com"}

    local.destroy("operations")
    assert budgets() == []
    assert explorer.get_anomaly_monitors()["AnomalyMonitors"] == []


def test_a_monitor_of_two_tags_is_refused(deployed: Deployed, local: Stacks, content: Content) -> None:
    both = {"And": [{"Tags": {"Key": key, "Values": ["x"]}} for key in ("project", "environment")]}
    properties = {"MonitorName": "x", "MonitorType": "CUSTOM", "MonitorSpecification": json.dumps(both)}
    template = {"Resources": {"Monitor": {"Type": "AWS::CE::AnomalyMonitor", "Properties": properties}}}
    with pytest.raises(Exception, match="MonitorSpecification does not support And"):
        Stacks("refused").give({"operations": template}, "operations")
    Stacks("refused").destroy("operations")


def test_live_prices_are_aws_and_of_the_region(deployed: Deployed) -> None:
    """The local price list differs from the dated prices, and from region to region."""
    found = live.AwsPrices("eu-central-1").find("ml.g5.xlarge")
    assert isinstance(found, Price)
    assert (found.usd, found.region, found.checked) == (1.76, "eu-central-1", "page")
    here = live.AwsPrices("us-east-1").find("ml.g5.xlarge")
    assert isinstance(here, Price)
    assert here.usd == 1.4221


def test_a_plan_with_live_prices(deployed: Deployed, content: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "of_checkout", lambda name: templates_of(content, name))
    done = CliRunner().invoke(cli.app, ["plan", "--env", "local", "--live"])
    assert done.exit_code == 0, done.output
    assert "ml.g5.xlarge: 1.422 USD per instance and hour, us-east-1" in done.output
    assert "AWS Price List API, GetProducts\n" in done.output  # and neither unverified nor old
    assert "AllTraffic: 1 x ml.g5.xlarge" in done.output
    assert "≥ 1,038" in done.output  # 1.4221 x 730


@pytest.mark.parametrize(
    ("region", "name", "reason"),
    [
        ("ap-south-1", "ml.g5.xlarge", "unknown in ap-south-1: AWS's price list has no clear answer: 0 products"),
        ("us-east-1", "ml.p5e.48xlarge", "unknown in us-east-1: AWS's price list has no clear answer: 0 products"),
    ],
)
def test_what_the_price_list_does_not_have_is_unknown(deployed: Deployed, region: str, name: str, reason: str) -> None:
    found = live.AwsPrices(region).find(name)
    assert isinstance(found, Unknown)
    assert found.reason.startswith(reason)


def test_two_products_are_unknown(deployed: Deployed, account: Callable[[Conditions], None]) -> None:
    account(Conditions(priced_twice=("g5.xlarge",)))
    found = live.AwsPrices("us-east-1").find("ml.g5.xlarge")
    assert isinstance(found, Unknown)
    assert "2 products, expected one" in found.reason


@pytest.fixture
def nobody(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sign in as a user who may do nothing but ask who it is."""
    iam = boto3.client("iam")
    iam.create_user(UserName="poor")
    allowed = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
    iam.put_user_policy(UserName="poor", PolicyName="x", PolicyDocument=policy(allowed))
    key = iam.create_access_key(UserName="poor")["AccessKey"]
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        yield
    boto3.DEFAULT_SESSION = None


def test_access_denied_is_unknown(nobody: None) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        boto3.client("pricing", region_name="us-east-1").get_products(ServiceCode="AmazonSageMaker")
    found = live.AwsPrices("us-east-1").find("ml.g5.xlarge")
    assert isinstance(found, Unknown)
    assert "AWS's price list was not asked" in found.reason
    assert "AccessDenied" in found.reason
