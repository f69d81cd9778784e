"""A monthly budget, and a monitor of unusual cost, for what carries an environment's tags."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Final

from aws_cdk import Stack, Token
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_ce as ce
from constructs import Construct

from sagemaker_llm.errors import OptionError

THRESHOLDS: Final = (("ACTUAL", 80.0), ("ACTUAL", 100.0), ("FORECASTED", 100.0))
"""When an e-mail is sent, in percent of the budget. AWS has a forecast after about five weeks."""

ANOMALY_SHARE: Final = 0.1
"""An anomaly is reported from this share of the budget on: a fleet that nobody wanted costs more within hours."""

REGIONS: Final = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1"),
        *("eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "me-south-1", "sa-east-1"),
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    }
)
"""Commercial regions in which CloudFormation has the types of both services, by its resource schemas."""

ACTIVATE: Final = (
    "Activate the cost-allocation tags {keys} once in the billing console of the account that pays. Until then, and "
    "for up to 24 hours afterwards, budget and monitor see no cost. Marketplace charges may carry no tags: compare the "
    "first bill."
)

_ADDRESS: Final = re.compile(r"[a-zA-Z0-9.!#$%&'*+=?^_{|}~-]+@[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)+")
"""What Cost Explorer takes for an address, by its resource schema."""


class CostWatch(Construct):
    """An AWS budget and a cost anomaly monitor of everything with some tags. Both are free.

    Budgets and Cost Explorer are global: their data is some hours old, and an alert does not stop anything.

    A change of address or threshold replaces the budget, because CloudFormation cannot change a budget's notifications.
    So its name depends on them: the new one is made before the old one is deleted. Its history starts again.

    A monitor takes one tag only: it watches the first one, which is therefore the one that nobody else uses.

    Args:
        scope: the stack.
        construct_id: the id in it.
        name: the first part of the names, e.g. ``cohere-dev``.
        usd_per_month: the budget of a calendar month, in USD.
        email: who is told.
        tags: what the budget's cost is filtered by, and the monitor's by the first of them; each key has to be
            activated as a cost-allocation tag.

    Attributes:
        budget: the budget.
        monitor: the monitor of anomalies.
        subscription: the e-mails about them, one a day at most.
        to_do: what somebody has to do by hand, in a sentence or two, e.g. for an output of the stack.

    Raises:
        OptionError: the amount is not positive, there is no tag, AWS takes no such address, or CloudFormation has no
            budgets in the region.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        usd_per_month: float,
        email: str,
        tags: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        _check(Stack.of(self).region, usd_per_month, email, tags)
        notifications = _notifications(email)
        digest = hashlib.sha256(json.dumps([email, THRESHOLDS]).encode()).hexdigest()[:8]
        self.budget = budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=f"{name}-{digest}",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=usd_per_month, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:{key}${value}" for key, value in tags.items()]},
            ),
            notifications_with_subscribers=notifications,
        )
        self.monitor = ce.CfnAnomalyMonitor(
            self,
            "Monitor",
            monitor_name=name,
            monitor_type="CUSTOM",
            monitor_specification=json.dumps(_filter(tags)),
        )
        self.subscription = ce.CfnAnomalySubscription(
            self,
            "Subscription",
            subscription_name=name,
            frequency="DAILY",
            monitor_arn_list=[self.monitor.attr_monitor_arn],
            subscribers=[ce.CfnAnomalySubscription.SubscriberProperty(address=email, type="EMAIL")],
            threshold_expression=json.dumps(_threshold(usd_per_month)),
        )
        self.to_do = ACTIVATE.format(keys=" and ".join(tags))


def _check(region: str, usd_per_month: float, email: str, tags: Mapping[str, str]) -> None:
    if usd_per_month <= 0:
        raise OptionError("usd_per_month", usd_per_month, problem="is no budget", allowed="an amount above 0, in USD")
    if not tags:
        raise OptionError("tags", dict(tags), problem="select no cost", allowed="at least one tag")
    if not Token.is_unresolved(email) and not _ADDRESS.fullmatch(email):
        allowed = "letters, digits and .!#$%&'*+=?^_{|}~- before the @, a domain behind it"
        raise OptionError("email", email, problem="is no address that AWS sends cost alerts to", allowed=allowed)
    if not Token.is_unresolved(region) and region not in REGIONS:
        raise OptionError(
            "region",
            region,
            problem="is none in which CloudFormation has budgets and cost anomaly monitors",
            allowed=", ".join(sorted(REGIONS)),
            remedy="leave `budget` out here, and make one budget for the account in one of those regions",
        )


def _notifications(email: str) -> list[budgets.CfnBudget.NotificationWithSubscribersProperty]:
    return [
        budgets.CfnBudget.NotificationWithSubscribersProperty(
            notification=budgets.CfnBudget.NotificationProperty(
                notification_type=kind,
                comparison_operator="GREATER_THAN",
                threshold=threshold,
                threshold_type="PERCENTAGE",
            ),
            subscribers=[budgets.CfnBudget.SubscriberProperty(address=email, subscription_type="EMAIL")],
        )
        for kind, threshold in THRESHOLDS
    ]


def _filter(tags: Mapping[str, str]) -> dict[str, object]:
    """Return the expression of a customer-managed monitor: it may have one tag, and no ``And``.

    Source: docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_AnomalyMonitor.html.
    """
    key, value = next(iter(tags.items()))
    return {"Tags": {"Key": key, "Values": [value], "MatchOptions": ["EQUALS"]}}


def _threshold(usd_per_month: float) -> dict[str, object]:
    least = f"{max(1.0, usd_per_month * ANOMALY_SHARE):.2f}"
    key = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"
    return {"Dimensions": {"Key": key, "MatchOptions": ["GREATER_THAN_OR_EQUAL"], "Values": [least]}}
