"""Records and reads CloudWatch metrics. One of the modules that use MiniStack's private names."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ministack.services import cloudwatch

_MOST_POINTS = 20_000
"""The points that are kept of each metric, so that a load test does not fill the memory."""


def record_metric(namespace: str, name: str, value: float, unit: str, dimensions: Mapping[str, str]) -> None:
    """Record one value of a metric, now. Equal values of one second are counted, not repeated."""
    key = (namespace, name, cloudwatch._dims_key(dict(dimensions)))
    points, second = cloudwatch._metric_bucket(key), int(time.time())
    last = points[-1] if points else {}
    if (last.get("Timestamp"), last.get("Value")) == (second, value):
        last["Count"] += 1
        return
    points.append({"Timestamp": second, "Unit": unit, "Dimensions": dict(dimensions), "Value": value, "Count": 1})
    del points[:-_MOST_POINTS]


def metric(namespace: str, name: str, dimensions: Mapping[str, str], *, seconds: float) -> dict[str, float]:
    """Return a metric's ``Sum``, ``Average``, ``Minimum``, ``Maximum`` and ``SampleCount``; empty without data.

    Args:
        namespace: the metric's.
        name: the metric's.
        dimensions: the metric's.
        seconds: how far back.

    """
    points = cloudwatch._metrics.get((namespace, name, cloudwatch._dims_key(dict(dimensions)))) or []
    since = time.time() - seconds
    found: dict[str, float] = cloudwatch._calc_stats([p for p in points if p["Timestamp"] >= since])
    return found
