"""A budget and its monitor: names that can change, what AWS refuses, and where CloudFormation has both."""

import json
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Template

from sagemaker_llm import OptionError
from sagemaker_llm.operations.cost_watch import REGIONS, CostWatch
from stacks.settings import ENVIRONMENTS, Settings
from stacks.settings.errors import SettingsError
from tests.support.templates import changed, content_of, templates_of

TAGS = {"project": "cohere", "environment": "x"}
DEV = content_of(ENVIRONMENTS / "dev.yaml")


def resources(region: str = "us-east-1", **options: Any) -> dict[str, Any]:
    stack = Stack(App(analytics_reporting=False), "S", env=Environment(region=region))
    given = {"name": "cohere-x", "usd_per_month": 100.0, "email": "a@example.com", "tags": TAGS, **options}
    CostWatch(stack, "Watch", **given)
    found = Template.from_stack(stack).to_json()["Resources"].values()
    return {one["Type"].rpartition("::")[2]: one["Properties"] for one in found}


def test_the_budgets_name_changes_with_its_address_only() -> None:
    names = [
        resources(**options)["Budget"]["Budget"]["BudgetName"]
        for options in ({}, {"usd_per_month": 5.0}, {"tags": {"project": "x"}}, {"email": "b@example.com"})
    ]
    assert names[0] == names[1] == names[2] != names[3]
    assert all(name.startswith("cohere-x-") for name in names)


def test_the_budget_has_all_tags_and_the_monitor_the_first() -> None:
    found = resources()
    assert found["Budget"]["Budget"]["CostFilters"] == {
        "TagKeyValue": ["user:project$cohere", "user:environment$x"],
    }
    assert json.loads(found["AnomalyMonitor"]["MonitorSpecification"])["Tags"]["Key"] == "project"


def test_unusual_cost_is_reported_from_a_tenth_of_the_budget_on_and_never_below_a_dollar() -> None:
    for budget, least in ((100.0, "10.00"), (0.5, "1.00")):
        threshold = json.loads(resources(usd_per_month=budget)["AnomalySubscription"]["ThresholdExpression"])
        assert threshold["Dimensions"]["Values"] == [least]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"usd_per_month": 0.0}, "usd_per_month: 0.0 is no budget"),
        ({"tags": {}}, "select no cost"),
        ({"email": "ü@example.com"}, "email: 'ü@example.com' is no address that AWS sends cost alerts to"),
        ({"email": "a@example"}, "is no address"),
        ({"region": "eu-north-1"}, "region: 'eu-north-1' is none in which CloudFormation has budgets"),
    ],
)
def test_what_aws_would_refuse_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(OptionError) as caught:
        resources(**options)
    assert problem in str(caught.value)


def test_the_regions_of_budgets_are_those_of_the_schemas() -> None:
    from cfnlint.helpers import REGIONS as KNOWN
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    found = set()
    for region in KNOWN:
        try:
            for name in ("AWS::Budgets::Budget", "AWS::CE::AnomalyMonitor", "AWS::CE::AnomalySubscription"):
                PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, name)
        except ResourceNotFoundError:
            continue
        found.add(region)
    # Others are partitions of their own, with billing of their own.
    assert {name for name in found if not name.startswith(("cn-", "us-iso", "us-gov", "eu-iso", "eusc-"))} == REGIONS


# ---- in an environment -------------------------------------------------------------------------------------------


def test_an_environment_without_a_budget_has_no_such_stack() -> None:
    assert set(templates_of(DEV, "dev")) == {"endpoint", "proxy"}


def test_a_budget_filters_by_the_tags_that_the_environment_really_has() -> None:
    own = changed(DEV, {"budget": {"usd_per_month": 1.0, "email": "a@example.com"}, "tags": {"project": "search"}})
    found = templates_of(own, "dev")["operations"]["Resources"].values()
    (budget,) = [one["Properties"] for one in found if one["Type"] == "AWS::Budgets::Budget"]
    assert budget["Budget"]["CostFilters"]["TagKeyValue"] == ["user:project$search", "user:environment$dev"]
    assert {"Key": "project", "Value": "search"} in budget["ResourceTags"]


def test_a_budgets_address_may_be_that_of_the_alarms() -> None:
    both = changed(DEV, {"budget": {"usd_per_month": 1.0}, "alarms": {"email": "a@example.com"}})
    assert "a@example.com" in json.dumps(templates_of(both, "dev")["operations"])


def test_a_budget_without_an_address_is_refused() -> None:
    for alarms in (None, {"topic_arn": "arn:aws:sns:us-east-1:111122223333:x"}):
        content = changed(DEV, {"budget": {"usd_per_month": 1.0}} | ({"alarms": alarms} if alarms else {}))
        with pytest.raises(ValueError, match="nobody would be told"):
            Settings.model_validate(content)


@pytest.mark.parametrize("usd", [0, -1.0, float("inf"), float("nan"), "100"])
def test_a_budget_that_is_no_amount_is_refused(usd: Any) -> None:
    with pytest.raises(ValueError, match="usd_per_month"):
        Settings.model_validate(changed(DEV, {"budget": {"usd_per_month": usd, "email": "a@example.com"}}))


def test_a_refusal_names_the_key_in_the_file() -> None:
    from stacks import settings

    error = OptionError("email", "x", problem="p", allowed="a")
    error.within = "budget"
    assert isinstance(settings.refused("dev", error), SettingsError)
    assert "budget.email" in str(settings.refused("dev", error))
