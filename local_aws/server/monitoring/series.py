"""The datapoints of metrics and of expressions about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local_aws.server import cloudwatch
from local_aws.server.monitoring import metric_math


def of_alarm(alarm: Mapping[str, Any], count: int, end: float) -> list[float | None]:
    """Return the datapoints that an alarm looks at, the newest first.

    Args:
        alarm: its configuration.
        count: how many.
        end: when the newest period ends, in seconds since 1970.

    """
    queries = alarm.get("Metrics")
    if not queries:
        period = int(alarm["Period"])
        starts = [end - (number + 1) * period for number in range(count)]
        dimensions = _named(alarm.get("Dimensions") or [])
        statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
        return cloudwatch.datapoints(
            alarm["Namespace"], alarm["MetricName"], dimensions, statistic, starts=starts, period=period
        )
    period = next(int(query["MetricStat"]["Period"]) for query in queries if "MetricStat" in query)
    found = of_queries(queries, [end - (number + 1) * period for number in range(count)], period)
    return found[next(str(query["Id"]) for query in queries if query.get("ReturnData", True) is not False)]


def of_queries(
    queries: Sequence[Mapping[str, Any]], starts: list[float], period: float
) -> dict[str, list[float | None]]:
    """Return the values of each query by its id; an expression may use any other.

    Raises:
        MathError: an expression is wrong.

    """
    found: dict[str, list[float | None]] = {}
    for query in queries:
        if stat := query.get("MetricStat"):
            metric = stat["Metric"]
            found[query["Id"]] = cloudwatch.datapoints(
                metric["Namespace"],
                metric["MetricName"],
                _named(metric.get("Dimensions") or []),
                stat["Stat"],
                starts=starts,
                period=period,
            )
    waiting = {str(query["Id"]): str(query["Expression"]) for query in queries if query.get("Expression")}
    while waiting:
        ready = [one for one, expression in waiting.items() if metric_math.names(expression) <= set(found)]
        if not ready:
            raise metric_math.MathError(f"Error in expression: {', '.join(waiting)} use an unknown id or each other")
        for one in ready:
            expression = waiting.pop(one)
            found[one] = metric_math.evaluate(expression, {**found, "": [None] * len(starts)})
    return found


def _named(dimensions: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in dimensions}
