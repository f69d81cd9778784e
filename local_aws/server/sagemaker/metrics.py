"""What an endpoint tells CloudWatch about its invocations.

Source: docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html. The instances' own metrics (CPU, memory,
GPU) are not told: there are no instances.
"""

from __future__ import annotations

from dataclasses import dataclass

from local_aws.server import emulator

_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Spent:
    """Where the time of a request went, in seconds: before the model, and in it."""

    waiting: float
    model: float


def began(endpoint: str, variant: str, concurrent: float) -> None:
    """Tell that a request reached its model, and how many each model has now."""
    _tell(endpoint, variant, {"ConcurrentRequestsPerModel": (concurrent, "Count")})


def ended(endpoint: str, variant: str, instances: int, status: int, spent: Spent) -> None:
    """Tell how a request ended.

    Args:
        endpoint: the endpoint's name.
        variant: the variant that answered.
        instances: how many instances it has.
        status: the container's; 0 when it did not answer in time.
        spent: where the time went.

    """
    told = {
        "Invocations": (1.0, "None"),
        "InvocationsPerInstance": (1 / instances, "None"),
        "Invocation4XXErrors": (float(400 <= status < 500), "None"),
        "Invocation5XXErrors": (float(status >= 500 or status == 0), "None"),
        "InvocationModelErrors": (float(not 200 <= status < 300), "None"),
        "ModelLatency": (spent.model * _MICROSECONDS, "Microseconds"),
        "OverheadLatency": (spent.waiting * _MICROSECONDS, "Microseconds"),
    }
    _tell(endpoint, variant, told)


def _tell(endpoint: str, variant: str, told: dict[str, tuple[float, str]]) -> None:
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    for name, (value, unit) in told.items():
        emulator.record_metric("AWS/SageMaker", name, value, unit, dimensions)
