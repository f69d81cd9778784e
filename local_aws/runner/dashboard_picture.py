"""The picture of the dashboard in docs/: its definition, drawn with a made-up afternoon on a local cloud.

The local cloud checks the definition, keeps the metrics, and evaluates the expressions. The values are made up, and the
same each time; all alarms are well. ``UPDATE_PICTURE=1 pytest tests/deployed/test_dashboard.py`` draws it again.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import boto3

from local_aws.runner.cloud import ROOT
from local_aws.runner.dashboard_svg import Data, Line, draw

PICTURE: Final = ROOT / "docs" / "dashboard.svg"
MINUTES: Final = 180
_ASLEEP: Final = range(180, 140, -1)
"""The minutes before the end in which the endpoint did not exist."""

Template = dict[str, Any]
# For each metric, the values of a minute with a load of 0 to 1.
_VALUES: Final[Mapping[str, Any]] = {
    "Invocations": lambda load: [1.0] * round(12 * load),
    "InvocationModelErrors": lambda load: [1.0] * int(load > 0.97),
    "Invocation5XXErrors": lambda _load: [0.0],
    "ServerErrors": lambda load: [1.0] * int(load > 0.97),
    "MemoryUtilization": lambda _load: [41.0],
    "GPUUtilization": lambda load: [95 * load],
    "GPUMemoryUtilization": lambda _load: [87.0],
    "ModelLatency": lambda load: [(2 + 9 * load * n / 10) * 1e6 for n in range(11)],
    "ConcurrentRequestsPerModel": lambda load: [3 * load, 9 * load],
    "Requests": lambda load: [1.0] * round(12 * load),
    "TokensPerSecond": lambda load: [48 - 14 * load],
    "TokensOut": lambda load: [310.0] * round(12 * load),
}


def picture(templates: Mapping[str, Template]) -> str:
    """Return the picture of the dashboard in an environment's templates, drawn on the local cloud that boto3 reaches.

    Args:
        templates: of the stacks ``endpoint`` and ``operations``, without tokens in the dashboard's body.

    """
    cloudwatch: Any = boto3.client("cloudwatch")
    (definition,) = _resources(templates["operations"], "Dashboard")
    name = definition["DashboardName"]
    cloudwatch.put_dashboard(DashboardName=name, DashboardBody=definition["DashboardBody"])
    body = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
    end = time.time() // 900 * 900
    _record(cloudwatch, body, end)
    arns = next(one["properties"]["alarms"] for one in body["widgets"] if one["type"] == "alarm")
    states = dict.fromkeys(arns, "OK")
    lines = {
        number: list(_lines(cloudwatch, widget["properties"]["metrics"], end))
        for number, widget in enumerate(body["widgets"])
        if widget["type"] == "metric"
    }
    return draw(body, Data(MINUTES, lines, states))


def _resources(template: Template, kind: str) -> list[dict[str, Any]]:
    found = template["Resources"].values()
    return [one["Properties"] for one in found if one["Type"] == f"AWS::CloudWatch::{kind}"]


def _load(minute: int) -> float:
    """Return the load of a minute before the end: an afternoon with a peak."""
    return 0.15 + 0.85 * max(0.0, math.sin(math.pi * (140 - minute) / 140)) ** 2


def _record(cloudwatch: Any, body: Mapping[str, Any], end: float) -> None:  # noqa: ANN401 - boto3
    shares: dict[tuple[str, str], int] = {}
    done = set()
    for widget in body["widgets"]:
        for row in widget["properties"].get("metrics", []):
            plain = tuple(cell for cell in row if not isinstance(cell, dict))
            if not plain or plain in done:
                continue
            done.add(plain)
            namespace, name, *dimensions = plain
            # One route, or one client, has more requests than the next.
            place = shares[plain[1], str(dimensions[2:3])] = shares.get((plain[1], str(dimensions[2:3])), -1) + 1
            share = 1.0 if len(dimensions) < 3 or "VariantName" in dimensions else 0.6**place
            named = [{"Name": one, "Value": value} for one, value in zip(*[iter(dimensions)] * 2, strict=True)]
            cloudwatch.put_metric_data(
                Namespace=namespace,
                MetricData=[
                    {
                        "MetricName": name,
                        "Dimensions": named,
                        "Timestamp": datetime.fromtimestamp(end - 60 * minute, UTC),
                        "Values": values,
                    }
                    for minute in range(MINUTES, 0, -1)
                    if minute not in _ASLEEP and (values := _VALUES[name](share * _load(minute)))
                ],
            )


def _lines(cloudwatch: Any, rows: list[list[Any]], end: float) -> Iterator[Line]:  # noqa: ANN401 - boto3
    queries: list[dict[str, Any]] = []
    for number, row in enumerate(rows):
        options = row[-1]
        shown: dict[str, Any] = {"Id": options.get("id", f"m{number}"), "Label": options["label"]}
        shown["ReturnData"] = options.get("visible", True)
        if "expression" in options:
            queries.append({**shown, "Expression": options["expression"]})
            continue
        namespace, name, *dimensions = row[:-1]
        named = [{"Name": one, "Value": value} for one, value in zip(*[iter(dimensions)] * 2, strict=True)]
        metric = {"Namespace": namespace, "MetricName": name, "Dimensions": named}
        stat = {"Metric": metric, "Stat": options["stat"], "Period": options["period"]}
        queries.append({**shown, "MetricStat": stat})
    start = datetime.fromtimestamp(end - 60 * MINUTES, UTC)
    request = {"StartTime": start, "EndTime": datetime.fromtimestamp(end, UTC), "ScanBy": "TimestampAscending"}
    for result in cloudwatch.get_metric_data(MetricDataQueries=queries, **request)["MetricDataResults"]:
        pairs = zip(result["Timestamps"], result["Values"], strict=True)
        yield Line(result["Label"], [((end - at.timestamp()) / 60, value) for at, value in pairs])
