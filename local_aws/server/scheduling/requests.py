"""What EventBridge Scheduler refuses in CreateSchedule and UpdateSchedule, beside the types of the members.

Where the service's wording is not known, the wording is ours: docs/fidelity.md has the list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from local_aws.server.errors import AwsError, validation
from local_aws.server.request_validation import check
from local_aws.server.scheduling import expressions

SERVICE: Final = "scheduler"
_DATES: Final = ("StartDate", "EndDate")
_LATEST_START_SECONDS: Final = 300
_UNIVERSAL: Final = "arn:aws:scheduler:::aws-sdk:"
_TARGETS: Final = ("arn:aws:lambda:", _UNIVERSAL)
# Read-only operations: docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html.
_READS: Final = ("get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup")


def problem(name: str, request: Mapping[str, Any], now: float, *, is_new: bool) -> AwsError | None:
    """Return why a request is refused, None when it is not.

    Args:
        name: the schedule's.
        request: the other members, with dates in seconds since 1970.
        now: the moment, in seconds since 1970.
        is_new: whether it creates the schedule: a schedule that has begun can be updated.

    """
    dates = {key: datetime.fromtimestamp(request[key], UTC) for key in _DATES if request.get(key) is not None}
    members = {key: value for key, value in request.items() if value is not None}
    try:
        check(SERVICE, "CreateSchedule", {**members, **dates, "Name": name})
        _check_times(members, now, is_new=is_new)
        _check_target(members["Target"])
    except ValueError as error:
        return validation(str(error))
    except AwsError as error:
        return error
    return None


def _check_times(request: Mapping[str, Any], now: float, *, is_new: bool) -> None:
    expression = request["ScheduleExpression"]
    start, end = request.get("StartDate"), request.get("EndDate")
    parsed = expressions.parse(expression, request.get("ScheduleExpressionTimezone"), start or now)
    if expressions.is_once(expression) and parsed.next_after(now) is None:
        raise ValueError(f"Invalid Schedule Expression {expression}.")
    if is_new and start is not None and start < now - _LATEST_START_SECONDS:
        raise ValueError("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if end is not None and (end <= now or (start is not None and end <= start)):
        raise ValueError("The EndDate must be in the future and after the StartDate.")
    window = request["FlexibleTimeWindow"]
    if (window["Mode"] == "OFF") == ("MaximumWindowInMinutes" in window):
        raise ValueError(
            "Invalid FlexibleTimeWindow: MaximumWindowInMinutes is for the mode FLEXIBLE, and needed there."
        )


def _check_target(target: Mapping[str, Any]) -> None:
    arn = str(target["Arn"])
    if not arn.startswith(_TARGETS):
        raise ValueError(f"Provided Arn is not in correct format or not emulated here: {arn}")
    if arn.startswith(_UNIVERSAL):
        operation = arn.rpartition(":")[2]
        if arn.count(":") != 7 or operation.startswith(_READS):
            raise ValueError(f"{operation} is not a supported API for the target {arn}")
    try:
        json.loads(target.get("Input") or "{}")
    except ValueError:
        raise ValueError(f"Invalid RequestJson provided. Reason: the Input of {arn} is not JSON") from None
