"""The CloudWatch metrics of an endpoint's invocations.

Source: docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html. The metrics of instances (CPU, memory, GPU)
are missing, because there are no instances.
"""

from __future__ import annotations

from dataclasses import dataclass

from local_aws.server import cloudwatch

_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Timings:
    """The durations of a request, in seconds: before the model, and in it."""

    waiting: float
    model: float


def request_started(endpoint: str, variant: str, concurrent: float) -> None:
    """Record that a request reached its model, and how many requests each model has now."""
    _record(endpoint, variant, {"ConcurrentRequestsPerModel": (concurrent, "Count")})


def request_finished(endpoint: str, variant: str, instances: int, status: int, timings: Timings) -> None:
    """Record the result of a request.

    Args:
        endpoint: the endpoint's name.
        variant: the variant that answered.
        instances: how many instances it has.
        status: the container's status; 0 when it did not answer in time.
        timings: how long the request waited, and how long the model worked.

    """
    values = {
        "Invocations": (1.0, "None"),
        "InvocationsPerInstance": (1 / instances, "None"),
        "Invocation4XXErrors": (float(400 <= status < 500), "None"),
        "Invocation5XXErrors": (float(status >= 500 or status == 0), "None"),
        "InvocationModelErrors": (float(not 200 <= status < 300), "None"),
        "ModelLatency": (timings.model * _MICROSECONDS, "Microseconds"),
        "OverheadLatency": (timings.waiting * _MICROSECONDS, "Microseconds"),
    }
    _record(endpoint, variant, values)


def _record(endpoint: str, variant: str, values: dict[str, tuple[float, str]]) -> None:
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    for name, (value, unit) in values.items():
        cloudwatch.record_metric("AWS/SageMaker", name, value, unit, dimensions)
