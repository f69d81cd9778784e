"""The state of an alarm, from its datapoints.

Source: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html ("Evaluating an alarm",
"Configuring how CloudWatch alarms treat missing data").
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

State: TypeAlias = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
MISSING: Final = ("breaching", "notBreaching", "ignore", "missing")

SPARE_PERIODS: Final = 2
"""How many periods more than its own an alarm looks back for datapoints. AWS's own number is not published; its
examples have 2."""


def state(alarm: Mapping[str, Any], values: Sequence[float | None]) -> State | None:
    """Return an alarm's state; None to keep the one that it has.

    Args:
        alarm: its configuration.
        values: its datapoints, the newest first: those of its periods, and of ``SPARE_PERIODS`` before.

    """
    periods = int(alarm["EvaluationPeriods"])
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    compare, threshold = COMPARE[alarm["ComparisonOperator"]], float(alarm["Threshold"])
    known = [compare(value, threshold) for value in values if value is not None][:periods]
    missing = alarm.get("TreatMissingData") or "missing"
    lacking = periods - len(known)
    if lacking and missing in ("breaching", "notBreaching"):
        known += [missing == "breaching"] * lacking
    if not known:
        return None if missing == "ignore" else "INSUFFICIENT_DATA"
    breaching = sum(known)
    if breaching >= needed:
        return "ALARM"
    if lacking and missing in ("missing", "ignore") and breaching == len(known):
        # Fewer datapoints than it needs, and all of them breach.
        return None if missing == "ignore" else "ALARM"
    return "OK"
