"""What CloudWatch refuses of an alarm and of a dashboard, as far as its documentation says so. Wording ours.

Sources: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference, "API_PutMetricAlarm", "API_PutCompositeAlarm",
"API_PutDashboard" and "CloudWatch-Dashboard-Body-Structure".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from local_aws.server.monitoring import metric_math
from local_aws.server.monitoring.evaluation import COMPARE, MISSING

MOST_METRICS: Final = 10
"""The most metrics of an alarm's expression."""

MOST_WIDGETS: Final = 500
_MOST_ON_A_WIDGET: Final = 500
_WIDTH: Final = 24
_TYPES: Final = ("metric", "text", "alarm", "log", "explorer")
_SECONDS: Final = (10, 20, 30)
_DAY: Final = 86_400


def of_alarm(alarm: Mapping[str, Any]) -> str:
    """Return why CloudWatch refuses a metric alarm; empty when it takes it."""
    queries = alarm.get("Metrics") or []
    if bool(queries) == bool(alarm.get("MetricName")):
        return "Exactly one of Metrics and MetricName is required."
    if alarm.get("ComparisonOperator") not in COMPARE:
        return f"ComparisonOperator {alarm.get('ComparisonOperator')!r} is not supported: {', '.join(COMPARE)}."
    if (alarm.get("TreatMissingData") or "missing") not in MISSING:
        return f"TreatMissingData {alarm['TreatMissingData']!r} is not supported: {', '.join(MISSING)}."
    if problem := _of_queries(queries) if queries else _of_statistic(alarm):
        return problem
    periods = int(alarm["EvaluationPeriods"])
    if not 1 <= int(alarm.get("DatapointsToAlarm") or periods) <= periods:
        return "DatapointsToAlarm must be 1 to EvaluationPeriods."
    period = _period(alarm)
    if period not in _SECONDS and (period < 60 or period % 60):
        return f"Period must be 10, 20, 30, or a multiple of 60: {period}."
    if period * periods > (7 * _DAY if period >= 3600 else _DAY):
        return "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)."
    return ""


def _of_statistic(alarm: Mapping[str, Any]) -> str:
    if bool(alarm.get("Statistic")) == bool(alarm.get("ExtendedStatistic")):
        return "Exactly one of Statistic and ExtendedStatistic is required."
    return ""


def _of_queries(queries: list[Mapping[str, Any]]) -> str:
    ids = [str(query["Id"]) for query in queries]
    if len(set(ids)) < len(ids):
        return "The ids of the metrics are not unique."
    if any(not one[:1].islower() or not one.replace("_", "").isalnum() for one in ids):
        return "An id must begin with a lower-case letter and have letters, digits and underscores."
    if sum("MetricStat" in query for query in queries) > MOST_METRICS:
        return f"An alarm can have at most {MOST_METRICS} metrics."
    if sum(query.get("ReturnData", True) is not False for query in queries) != 1:
        return "Exactly one element of the metrics list should return data."
    if len({query["MetricStat"]["Period"] for query in queries if "MetricStat" in query}) > 1:
        return "All metrics of an alarm must have the same period."
    for query in queries:
        if "Expression" in query:
            try:
                unknown = metric_math.names(query["Expression"]) - set(ids)
            except metric_math.MathError as error:
                return str(error)
            if unknown:
                return f"Error in expression {query['Id']!r}: unknown id {sorted(unknown)[0]!r}."
    return ""


def _period(alarm: Mapping[str, Any]) -> int:
    queries = [query["MetricStat"]["Period"] for query in alarm.get("Metrics") or [] if "MetricStat" in query]
    return int(queries[0] if queries else alarm["Period"])


def of_dashboard(body: str) -> str:
    """Return why CloudWatch refuses a dashboard's body; empty when it takes it."""
    try:
        widgets = json.loads(body)["widgets"]
    except (ValueError, KeyError, TypeError):
        return "The dashboard body is invalid: it must be JSON with the member widgets."
    if len(widgets) > MOST_WIDGETS:
        return f"A dashboard can have at most {MOST_WIDGETS} widgets."
    for number, widget in enumerate(widgets):
        if problem := _of_widget(widget):
            return f"The dashboard body is invalid: /widgets/{number}: {problem}"
    return ""


def _of_widget(widget: Mapping[str, Any]) -> str:
    if widget.get("type") not in _TYPES:
        return f"type must be one of {', '.join(_TYPES)}"
    if not (1 <= widget.get("width", 6) <= _WIDTH and 0 <= widget.get("x", 0) <= _WIDTH - widget.get("width", 6)):
        return f"x and width must lie in a grid of {_WIDTH} columns"
    properties = widget.get("properties", {})
    required = {"metric": "region", "text": "markdown", "alarm": "alarms"}.get(widget["type"], "")
    if required and not properties.get(required):
        return f"should have required property {required!r}"
    rows = properties.get("metrics", [])
    if len(rows) > _MOST_ON_A_WIDGET:
        return f"a widget can have at most {_MOST_ON_A_WIDGET} metrics"
    for row in rows:
        plain = [cell for cell in row if not isinstance(cell, dict)]
        if plain and len(plain) % 2:
            return "a metric is a namespace, a name, and pairs of dimension and value"
        if not plain and "expression" not in row[0]:
            return "should have a metric or an expression"
    return ""
