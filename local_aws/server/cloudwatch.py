"""Records and reads CloudWatch metrics. One of the modules that use MiniStack's private names."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING

from ministack.services import cloudwatch

if TYPE_CHECKING:
    from local_aws.server.clock import Clock

_MOST_POINTS = 20_000
"""The points that are kept of each metric, so that a load test does not fill the memory."""


def use(clock: Clock) -> None:
    """Let CloudWatch live by a clock: its metrics' timestamps, and what happened when in its alarms."""
    cloudwatch.time = SimpleNamespace(time=clock.now)


def now() -> float:
    """Return the time by CloudWatch's clock, in seconds since 1970."""
    return float(cloudwatch.time.time())


def record_metric(
    namespace: str,
    name: str,
    value: float,
    unit: str,
    dimensions: Mapping[str, str],
    *,
    at: float | None = None,
    count: int = 1,
) -> None:
    """Record one value of a metric. Equal values of one second are counted, not repeated.

    Args:
        namespace: the metric's.
        name: the metric's.
        value: the value.
        unit: its unit.
        dimensions: the metric's.
        at: when, in seconds since 1970; default now.
        count: how often.

    """
    key = (namespace, name, cloudwatch._dims_key(dict(dimensions)))
    points, second = cloudwatch._metric_bucket(key), int(now() if at is None else at)
    last = points[-1] if points else {}
    if (last.get("Timestamp"), last.get("Value")) == (second, value):
        last["Count"] += count
        return
    points.append({"Timestamp": second, "Unit": unit, "Dimensions": dict(dimensions), "Value": value, "Count": count})
    del points[:-_MOST_POINTS]


def metric(namespace: str, name: str, dimensions: Mapping[str, str], *, seconds: float) -> dict[str, float]:
    """Return a metric's ``Sum``, ``Average``, ``Minimum``, ``Maximum`` and ``SampleCount``; empty without data.

    Args:
        namespace: the metric's.
        name: the metric's.
        dimensions: the metric's.
        seconds: how far back.

    """
    since = now() - seconds
    points = [point for point in _points(namespace, name, dimensions) if point["Timestamp"] >= since]
    found: dict[str, float] = cloudwatch._calc_stats(points)
    return found


def datapoints(
    namespace: str, name: str, dimensions: Mapping[str, str], statistic: str, *, starts: list[float], period: float
) -> list[float | None]:
    """Return a metric's value in each of several periods; None without data.

    Args:
        namespace: the metric's.
        name: the metric's.
        dimensions: the metric's, all of them: another set is another metric.
        statistic: e.g. ``Sum`` or ``p90``.
        starts: when each period begins, in seconds since 1970.
        period: its length, in seconds.

    """
    points = _points(namespace, name, dimensions)
    found: list[float | None] = []
    for start in starts:
        inside = [point for point in points if start <= point["Timestamp"] < start + period]
        statistics = cloudwatch._calc_stats(inside)
        found.append(cloudwatch._stat_value(statistics, statistic, inside) if statistics else None)
    return found


def _points(namespace: str, name: str, dimensions: Mapping[str, str]) -> list[dict[str, float]]:
    return list(cloudwatch._metrics.get((namespace, name, cloudwatch._dims_key(dict(dimensions)))) or [])
