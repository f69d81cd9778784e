"""Metrics in the log lines of functions, in the embedded metric format.

One of the modules that use MiniStack's private names. Source: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
CloudWatch_Embedded_Metric_Format_Specification.html.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import lambda_svc

from local_aws.server import cloudwatch


def extract() -> None:
    """Make metrics of what functions log, from now on."""
    original = lambda_svc._emit_lambda_logs

    def emit(function: Any, request_id: str, log_text: str, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        for line in (log_text or "").splitlines():
            if '"_aws"' in line:
                record(line)
        original(function, request_id, log_text, *arguments, **named)

    lambda_svc._emit_lambda_logs = emit


def record(line: str) -> None:
    """Record the metrics of one line; ignore it when it is not of the format, as CloudWatch does."""
    try:
        found = json.loads(line[line.index("{") :])
        values = [
            (directive["Namespace"], metric, {name: str(found[name]) for name in names}, found[metric["Name"]])
            for directive in found["_aws"]["CloudWatchMetrics"]
            for names in directive["Dimensions"]
            for metric in directive["Metrics"]
        ]
    except (ValueError, KeyError, TypeError):
        return
    for namespace, metric, dimensions, value in values:
        for one in value if isinstance(value, list) else [value]:
            cloudwatch.record_metric(namespace, metric["Name"], float(one), metric.get("Unit", "None"), dimensions)
