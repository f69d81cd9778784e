"""The metrics of a request, in CloudWatch's embedded metric format: part of its one log line, without a call.

Source: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
README.md lists the metrics. The endpoint is the only dimension, unless the environment has alarms: then a few of them
are also counted for the environment, and in it by route, client and variant. The values of these dimensions are those
of the configuration, so that the number of metrics does not grow with callers: each has a monthly price.
"""

from __future__ import annotations

from typing import Any, Final

NAMESPACE: Final = "CohereProxy"
DIMENSION: Final = "Endpoint"
ENVIRONMENT: Final = "Environment"
DETAILS: Final = ("Requests", "ServerErrors", "Throttles", "TokensOut")
"""The metrics that are also counted for the environment, by route, by client and by variant."""

UNITS: Final = {
    "Requests": "Count",
    "ClientErrors": "Count",
    "ServerErrors": "Count",
    "Throttles": "Count",
    "Attempts": "Count",
    "UpstreamLatency": "Milliseconds",
    "ProxyOverhead": "Milliseconds",
    "TokensIn": "Count",
    "TokensOut": "Count",
    "TokensPerSecond": "Count/Second",
    "TimeToFirstEvent": "Milliseconds",
    "StreamFailures": "Count",
    "Asleep": "Count",
}


def embedded(endpoint: str, status: int, now: float, fields: dict[str, Any], *, failed: bool) -> dict[str, Any]:
    """Return the metrics of a request, to be merged into its log line.

    Args:
        endpoint: the endpoint's name.
        status: the HTTP status of the answer.
        now: seconds since the epoch.
        failed: whether the request failed here or behind the proxy, in a stream maybe after its status was sent.
        fields: those of the log line: ``duration_ms``; of requests that were sent upstream also ``upstream_ms``,
            ``attempts``, ``tokens_in`` and ``tokens_out``.

    """
    values: dict[str, float] = {
        "Requests": 1,
        "ClientErrors": int(400 <= status < 500 and not failed),
        "ServerErrors": int(failed),
        "Throttles": int(status == 429),
    }
    if fields.get("code") == "asleep":
        values["Asleep"] = 1
    if "first_event_ms" in fields:
        values["TimeToFirstEvent"] = fields["first_event_ms"]
        values["StreamFailures"] = int(failed)
    if "upstream_ms" in fields:
        values["Attempts"] = fields["attempts"]
        values["UpstreamLatency"] = fields["upstream_ms"]
        values["ProxyOverhead"] = max(0, fields["duration_ms"] - fields["upstream_ms"])
    if "tokens_in" in fields:
        values["TokensIn"] = fields["tokens_in"]
    if "tokens_out" in fields:
        values["TokensOut"] = fields["tokens_out"]
        if fields.get("upstream_ms"):
            values["TokensPerSecond"] = round(fields["tokens_out"] * 1000 / fields["upstream_ms"], 1)
    named = [{"Name": name, "Unit": UNITS[name]} for name in values]
    metrics = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": named}
    return {"_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [metrics]}, DIMENSION: endpoint, **values}


def add_details(metrics: dict[str, Any], environment: str, fields: dict[str, Any]) -> None:
    """Count a request for the environment too, and in it by route, client and variant.

    Args:
        metrics: what ``embedded`` returned; it is changed.
        environment: the environment's name.
        fields: those of the log line. ``route`` is one of the table's, ``client`` a configured one or ``other``, and
            ``variant`` what SageMaker returned: never what a caller wrote.

    """
    dimensions = [[ENVIRONMENT]]
    metrics[ENVIRONMENT] = environment
    for name, key, beside in (
        ("Route", "route", ENVIRONMENT),
        ("Client", "client", ENVIRONMENT),
        ("Variant", "variant", DIMENSION),
    ):
        if key in fields:
            metrics[name] = fields[key]
            dimensions.append([beside, name])
    named = [{"Name": name, "Unit": UNITS[name]} for name in DETAILS if name in metrics]
    metrics["_aws"]["CloudWatchMetrics"].append({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": named})
