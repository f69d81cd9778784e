"""Adds to MiniStack's CloudWatch API: refusals, metric math, warm-up.

One of the modules that use MiniStack's private names.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.services import cloudwatch

from local_aws.server.monitoring import metric_math, refusals, series

_KEPT = ("Metrics", "WarmUpConfiguration")
_MOST_QUERIES = 500


def complete(refresh: Callable[[], None]) -> None:
    """Complete the API.

    Args:
        refresh: called before metrics are read.

    """
    _put_metric_alarm()
    _put_dashboard()
    _get_metric_data(refresh)


def _put_metric_alarm() -> None:
    original = cloudwatch._put_metric_alarm

    def put(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:  # noqa: ANN401 - MiniStack's own
        if is_cbor or is_json:
            if problem := refusals.of_alarm(data):
                return cloudwatch._error("ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor)
            answer = original(params, data, is_cbor, is_json)
            if kept := cloudwatch._alarms.get(data["AlarmName"]):
                kept.update({key: data[key] for key in _KEPT if key in data})
            return answer
        return original(params, data, is_cbor, is_json)

    cloudwatch._put_metric_alarm = put


def _put_dashboard() -> None:
    original = cloudwatch._put_dashboard

    def put(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:  # noqa: ANN401 - MiniStack's own
        if (is_cbor or is_json) and (problem := refusals.of_dashboard(data.get("DashboardBody", ""))):
            return cloudwatch._error("InvalidParameterInput", problem, 400, use_json=is_json, use_cbor=is_cbor)
        return original(params, data, is_cbor, is_json)

    cloudwatch._put_dashboard = put


def _get_metric_data(refresh: Callable[[], None]) -> None:
    original = cloudwatch._get_metric_data

    def get(params: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:  # noqa: ANN401 - MiniStack's own
        if not (is_cbor or is_json):
            return original(params, data, is_cbor, is_json)
        refresh()
        try:
            results = _results(data)
        except metric_math.MathError as error:
            return cloudwatch._error("ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor)
        if is_cbor:
            results = [cloudwatch._cbor_metric_data_result(result) for result in results]
        ok = cloudwatch._cbor_ok if is_cbor else cloudwatch._json_ok
        return ok({"MetricDataResults": results})

    cloudwatch._get_metric_data = get


def _results(data: dict[str, Any]) -> list[dict[str, Any]]:
    queries = data.get("MetricDataQueries", [])
    if not 1 <= len(queries) <= _MOST_QUERIES:
        raise metric_math.MathError(f"MetricDataQueries must have 1 to {_MOST_QUERIES} elements.")
    own = [query.get("Period") or query.get("MetricStat", {}).get("Period") for query in queries]
    period = int(max(filter(None, own), default=60))
    start, end = (cloudwatch._parse_ts(data[key]) for key in ("StartTime", "EndTime"))
    first = int(start // period) * period
    starts = [float(at) for at in range(first, int(end), period)]
    found = series.of_queries(queries, starts, period)
    ascending = data.get("ScanBy") == "TimestampAscending"
    results = []
    for query in queries:
        if query.get("ReturnData", True) is False:
            continue
        pairs = [pair for pair in zip(starts, found[query["Id"]], strict=True) if pair[1] is not None]
        pairs = pairs if ascending else pairs[::-1]
        results.append(
            {
                "Id": query["Id"],
                "Label": query.get("Label")
                or query.get("MetricStat", {}).get("Metric", {}).get("MetricName", query["Id"]),
                "Timestamps": [datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at, _ in pairs],
                "Values": [value for _, value in pairs],
                "StatusCode": "Complete",
            }
        )
    return results
