"""CloudFormation's types of CloudWatch: what MiniStack's alarms and dashboards lack, and composite alarms.

One of the modules that use MiniStack's private names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch, sns
from ministack.services.cloudformation import provisioners

from local_aws.server import emulator
from local_aws.server.emulator import Properties, ResourceType
from local_aws.server.monitoring import refusals
from local_aws.server.request_validation import from_template


def complete() -> None:
    """Complete the types."""
    _alarms()
    _dashboards()
    _topics()
    emulator.add_resource_type(_composite())


def _alarms() -> None:
    original = provisioners._cw_metric_alarm_record

    def record(name: str, properties: Properties) -> dict[str, Any]:
        asked = from_template("cloudwatch", "PutMetricAlarm", properties)
        if problem := refusals.of_alarm(asked):
            raise ValueError(f"{problem} (Service: CloudWatch, Status Code: 400)")
        queries = asked.get("Metrics")
        plain = {**asked, "Metrics": None, "MetricName": "math", "Namespace": "math"} if queries else asked
        made: dict[str, Any] = original(name, plain)
        if queries:
            made |= {"Metrics": queries, "MetricName": None, "Namespace": None}
        if "WarmUpConfiguration" in asked:
            made["WarmUpConfiguration"] = asked["WarmUpConfiguration"]
        return made

    provisioners._cw_metric_alarm_record = record


def _dashboards() -> None:
    original = provisioners._cw_dashboard_body

    def body(properties: Properties) -> str:
        text: str = original(properties)
        if problem := refusals.of_dashboard(text):
            raise ValueError(f"{problem} (Service: CloudWatch, Status Code: 400)")
        return text

    provisioners._cw_dashboard_body = body


def _topics() -> None:
    """Keep a topic's key, which MiniStack drops."""

    def whole(original: Callable[..., Any], place: int) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - MiniStack's own
            made = original(*arguments, **named)
            attributes = sns._topics[made[0]]["attributes"]
            attributes["KmsMasterKeyId"] = arguments[place].get("KmsMasterKeyId", "")
            return made

        return call

    handlers = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"]
    handlers["create"], handlers["update"] = whole(handlers["create"], 1), whole(handlers["update"], 2)


def _composite() -> ResourceType:
    """Return the type of composite alarms, which MiniStack has in its API but not in CloudFormation."""

    def put(name: str, properties: Properties) -> tuple[str, Properties]:
        request = {**from_template("cloudwatch", "PutCompositeAlarm", properties), "AlarmName": name}
        status, _, content = cloudwatch._put_composite_alarm({}, request, False, True)
        if status >= 400:
            raise ValueError(str(json.loads(content).get("message")))
        return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}

    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
        return put(properties.get("AlarmName") or emulator.generated_name(stack, logical_id), properties)

    def update(name: str, _old: Properties, new: Properties, _stack: str) -> tuple[str, Properties]:
        return put(name, new)

    def delete(name: str, _properties: Properties) -> None:
        cloudwatch._composite_alarms.pop(name, None)

    def read(name: str, _properties: Properties) -> Properties | None:
        found: Properties | None = cloudwatch._composite_alarms.get(name)
        return found

    names = frozenset({"AlarmRule", "AlarmDescription"})
    return ResourceType("AWS::CloudWatch::CompositeAlarm", create, update, delete, read, names)
