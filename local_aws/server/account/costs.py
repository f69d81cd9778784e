"""Budgets and cost anomaly monitors: kept and described; no cost ever accrues, so nothing is ever sent.

One of the modules that use MiniStack's private names: it has the API of budgets, and no CloudFormation type.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import MutableMapping
from typing import Any, Final

from ministack.services import budgets

from local_aws.server import emulator
from local_aws.server.emulator import Properties, ResourceType, Response
from local_aws.server.errors import AwsError
from local_aws.server.json_api import Answer, JsonApi, Request
from local_aws.server.request_validation import check

_EXPRESSIONS: Final = ("MonitorSpecification", "ThresholdExpression")
"""What CloudFormation has as JSON in a string, and the API as a structure."""


class CostExplorer:
    """The anomaly monitors and subscriptions of every account. The API is global: one region has them all."""

    def __init__(self) -> None:
        self._monitors: MutableMapping[str, Answer] = emulator.store("anomaly-monitors")
        self._subscriptions: MutableMapping[str, Answer] = emulator.store("anomaly-subscriptions")
        operations = {
            "GetAnomalyMonitors": lambda r: {
                "AnomalyMonitors": _named(self._monitors, r.get("MonitorArnList")),
            },
            "GetAnomalySubscriptions": lambda r: {
                "AnomalySubscriptions": _named(self._subscriptions, r.get("SubscriptionArnList")),
            },
        }
        self.api = JsonApi("ce", "AWSInsightsIndexService", operations)

    def resource_types(self) -> list[ResourceType]:
        """Return CloudFormation's types of both, ready to be registered."""
        return [
            _kept("Monitor", self._monitors, ("MonitorType", "MonitorDimension", "MonitorSpecification")),
            _kept("Subscription", self._subscriptions, ()),
        ]


def _named(store: MutableMapping[str, Answer], arns: list[str] | None) -> list[Answer]:
    return [one for arn, one in store.items() if not arns or arn in arns]


def _kept(kind: str, store: MutableMapping[str, Answer], fixed: tuple[str, ...]) -> ResourceType:
    """Return a type whose properties are checked as the API would check them, and kept."""
    arn_name = f"{kind}Arn"

    def put(arn: str, properties: Properties) -> tuple[str, Properties]:
        content = {key: value for key, value in properties.items() if key != "ResourceTags"}
        for name in _EXPRESSIONS:
            if name in content:
                content[name] = json.loads(content[name])
        _checked(f"CreateAnomaly{kind}", {f"Anomaly{kind}": content})
        _check_expression(content.get("MonitorSpecification", {}))
        store[arn] = {**content, arn_name: arn}
        return arn, {arn_name: arn}

    def create(_logical_id: str, properties: Properties, _stack: str) -> tuple[str, Properties]:
        return put(f"arn:aws:ce::{emulator.account()}:anomaly{kind.lower()}/{uuid.uuid4()}", properties)

    def delete(arn: str, _properties: Properties) -> None:
        store.pop(arn, None)

    return ResourceType(
        name=f"AWS::CE::Anomaly{kind}",
        create=create,
        update=lambda arn, _old, new, _stack: put(arn, new),
        delete=delete,
        read=lambda arn, _properties: store.get(arn),
        readable=frozenset({f"{kind}Name", *(name for name in fixed if name not in _EXPRESSIONS)}),
    )


def _check_expression(expression: Request) -> None:
    """Refuse what a customer-managed monitor does not take: it has one tag, one category, or accounts."""
    if unknown := set(expression) - {"Tags", "CostCategories", "Dimensions"}:
        raise ValueError(f"MonitorSpecification does not support {', '.join(sorted(unknown))}")


def _checked(operation: str, request: Request) -> None:
    try:
        check("ce", operation, request)
    except AwsError as error:
        raise ValueError(f"{error.message} (Service: CostExplorer, Status Code: 400)") from None


def budget_type() -> ResourceType:
    """Return CloudFormation's type of a budget, on top of MiniStack's API."""

    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
        budget = _as_the_api_has_it(properties["Budget"])
        budget.setdefault("BudgetName", emulator.generated_name(stack, logical_id))
        notifications = properties.get("NotificationsWithSubscribers", [])
        _answered(budgets._create_budget({"Budget": budget, "NotificationsWithSubscribers": notifications}))
        return budget["BudgetName"], {"Id": budget["BudgetName"]}

    def update(name: str, _old: Properties, new: Properties, _stack: str) -> tuple[str, Properties]:
        budget = _as_the_api_has_it(new["Budget"])
        if budget.setdefault("BudgetName", name) != name:
            raise ValueError("the local cloud gives a budget another name only together with other notifications")
        _answered(budgets._update_budget({"NewBudget": budget}))
        return name, {"Id": name}

    def delete(name: str, _properties: Properties) -> None:
        budgets._delete_budget({"BudgetName": name})

    def read(name: str, _properties: Properties) -> Properties | None:
        found: Properties | None = budgets._budgets.get(name)
        return found

    return ResourceType("AWS::Budgets::Budget", create, update, delete, read, frozenset())


def _as_the_api_has_it(budget: Properties) -> dict[str, Any]:
    """Return a budget with its amount as the API has it: a text."""
    limit = budget.get("BudgetLimit")
    return {**budget, **({"BudgetLimit": {**limit, "Amount": str(limit["Amount"])}} if limit else {})}


def _answered(response: Response) -> None:
    status, _, body = response
    if status >= 400:
        content = json.loads(body)
        raise ValueError(content.get("message") or content.get("Message") or body.decode())
