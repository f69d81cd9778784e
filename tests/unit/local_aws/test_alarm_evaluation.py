"""The states of alarms, metric math, and what CloudWatch refuses."""

import json
from typing import Any

import pytest

from local_aws.server.monitoring import evaluation, metric_math, refusals

ALARM = {
    "EvaluationPeriods": 3,
    "Threshold": 0.5,
    "ComparisonOperator": "GreaterThanThreshold",
    "Statistic": "Sum",
    "MetricName": "m",
    "Period": 60,
}
# The oldest first, as in the documentation: X breaches, 0 does not, - is missing. 3 of 3 datapoints.
EXAMPLES = [
    ("0-X-X", "OK", "OK", "OK", "OK"),
    ("----0", "OK", "OK", "OK", "OK"),
    ("-----", "INSUFFICIENT_DATA", None, "ALARM", "OK"),
    ("0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("--X--", "ALARM", None, "ALARM", "OK"),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
def test_the_documentations_examples_of_missing_data(example: tuple[str, Any, Any, Any, Any]) -> None:
    points, *states = example
    values = [{"X": 1.0, "0": 0.0, "-": None}[point] for point in reversed(points)]
    found = [
        evaluation.state({**ALARM, "TreatMissingData": missing}, values)
        for missing in ("missing", "ignore", "breaching", "notBreaching")
    ]
    assert found == states


def test_m_of_n() -> None:
    alarm = {**ALARM, "DatapointsToAlarm": 2, "TreatMissingData": "notBreaching"}
    assert evaluation.state(alarm, [1.0, 0.0, 1.0, 0.0, 0.0]) == "ALARM"
    assert evaluation.state(alarm, [1.0, 0.0, 0.0, 1.0, 1.0]) == "OK"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a+2*b", [21.0, None, 3.0]),
        ("FILL(a,0)/b", [0.1, 0.0, None]),
        ("IF(FILL(a,0)>0,100*a/b,7)", [10.0, 7.0, None]),
        ("IF(a>=1,1,0)", [1.0, None, 1.0]),
        ("MAX([a,b])", [10.0, 10.0, 3.0]),
        ("MIN([a,b])", [1.0, 10.0, 0.0]),
        ("a/1000000", [1e-6, None, 3e-6]),
    ],
)
def test_what_an_expression_gives(expression: str, expected: list[float | None]) -> None:
    """A missing value stays missing, and so does a division by zero."""
    assert metric_math.evaluate(expression, {"a": [1, None, 3], "b": [10, 10, 0]}) == expected


@pytest.mark.parametrize("expression", ["a +", "a; b", "METRICS()", "a.b", "__import__('os')", "FILL(a)", "unknown"])
def test_an_expression_that_is_not_known(expression: str) -> None:
    with pytest.raises(metric_math.MathError, match="Error in expression"):
        metric_math.evaluate(expression, {"a": [1.0]})


def _query(name: str, **more: Any) -> dict[str, Any]:
    metric = {"Metric": {"Namespace": "n", "MetricName": name}, "Stat": "Sum", "Period": 60}
    return {"Id": name, "MetricStat": metric, "ReturnData": False, **more}


MATH = {"Id": "r", "Expression": "a/b"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"MetricName": None}, "Exactly one of Metrics and MetricName"),
        ({"ComparisonOperator": "More"}, "ComparisonOperator 'More'"),
        ({"TreatMissingData": "good"}, "TreatMissingData 'good'"),
        ({"Statistic": None}, "Exactly one of Statistic"),
        ({"DatapointsToAlarm": 4}, "DatapointsToAlarm must be 1 to"),
        ({"Period": 45}, "Period must be 10, 20, 30"),
        ({"EvaluationPeriods": 1441}, "more than a day"),
        ({"MetricName": None, "Metrics": [MATH, _query("a"), _query("b")]}, ""),
        ({"MetricName": None, "Metrics": [MATH, _query("a")]}, "unknown id 'b'"),
        ({"MetricName": None, "Metrics": [_query("a"), _query("a")]}, "not unique"),
        ({"MetricName": None, "Metrics": [_query("A")]}, "lower-case letter"),
        ({"MetricName": None, "Metrics": [_query("a")]}, "Exactly one element"),
        ({"MetricName": None, "Metrics": [_query(f"m{n}") for n in range(11)]}, "at most 10 metrics"),
        ({"MetricName": None, "Metrics": [{"Id": "r", "Expression": "1 +"}, _query("a")]}, "Syntax error"),
    ],
)
def test_an_alarm_that_cloudwatch_refuses(changes: dict[str, Any], problem: str) -> None:
    found = refusals.of_alarm({**ALARM, **changes})
    assert (problem in found) if problem else found == ""


WIDGET = {"type": "metric", "width": 6, "properties": {"region": "us-east-1", "metrics": [["n", "m", "d", "v"]]}}


@pytest.mark.parametrize(
    ("widget", "problem"),
    [
        (WIDGET, ""),
        ({**WIDGET, "type": "picture"}, "type must be one of"),
        ({**WIDGET, "width": 25}, "grid of 24 columns"),
        ({**WIDGET, "x": 20}, "grid of 24 columns"),
        ({**WIDGET, "properties": {}}, "required property 'region'"),
        ({"type": "text", "properties": {}}, "required property 'markdown'"),
        ({**WIDGET, "properties": {"region": "r", "metrics": [["n", "m", "d"]]}}, "pairs of dimension and value"),
        ({**WIDGET, "properties": {"region": "r", "metrics": [[{"label": "x"}]]}}, "a metric or an expression"),
        ({**WIDGET, "properties": {"region": "r", "metrics": [["n", "m"]] * 501}}, "at most 500 metrics"),
    ],
)
def test_a_dashboard_that_cloudwatch_refuses(widget: dict[str, Any], problem: str) -> None:
    found = refusals.of_dashboard(json.dumps({"widgets": [widget]}))
    assert (problem in found) if problem else found == ""


@pytest.mark.parametrize("body", ["", "[]", "{}", json.dumps({"widgets": [WIDGET] * 501})])
def test_a_dashboard_that_is_none(body: str) -> None:
    assert refusals.of_dashboard(body)
