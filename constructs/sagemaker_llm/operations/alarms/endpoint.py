"""What can be wrong with a variant of an endpoint, as far as its requests show it.

Source of the metrics: docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html.
"""

from __future__ import annotations

from dataclasses import dataclass

from sagemaker_llm.limits import VARIANT_NAME
from sagemaker_llm.operations.alarms.alarm import Alarm, Series, share

_MICROSECONDS = 1_000_000
INVOCATIONS = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"


@dataclass(frozen=True)
class Thresholds:
    """When alarms fire.

    Attributes:
        error_percent: the share of failed requests.
        latency_percent: the share of the deadline that the p90 of the latency may take.
        saturation_percent: the share of an instance's concurrency that may be in use.

    """

    error_percent: float = 5
    latency_percent: float = 75
    saturation_percent: float = 80


@dataclass(frozen=True)
class WatchedVariant:
    """A variant of an endpoint.

    Attributes:
        endpoint: the endpoint's name.
        name: the variant's.

    """

    endpoint: str
    name: str = VARIANT_NAME

    @property
    def suffix(self) -> str:
        """Return the end of its alarms' names: empty for the main variant."""
        return "" if self.name == VARIANT_NAME else self.name

    def series(self, metric: str, statistic: str = "Sum", namespace: str = INVOCATIONS) -> Series:
        """Return one of its metrics."""
        return Series(namespace, metric, {"EndpointName": self.endpoint, "VariantName": self.name}, statistic)


def endpoint_alarms(
    variant: WatchedVariant, thresholds: Thresholds, *, deadline_seconds: float, requests_per_instance: int
) -> list[Alarm]:
    """Return the alarms of a variant, which say nothing while there are no requests: a sleeping endpoint has none.

    Args:
        variant: the variant.
        thresholds: when they fire.
        deadline_seconds: how long one answer may take.
        requests_per_instance: how many requests an instance answers at once.

    """
    invocations = variant.series("Invocations")
    model, model_share = share(variant.series("InvocationModelErrors"), invocations)
    service, service_share = share(variant.series("Invocation5XXErrors"), invocations)
    percent = thresholds.error_percent
    limit = thresholds.latency_percent / 100 * deadline_seconds
    concurrency = thresholds.saturation_percent / 100 * requests_per_instance
    suffix = variant.suffix
    return [
        Alarm(
            "model-errors",
            f"More than {percent:g} % of the requests fail in the model's container.",
            model,
            percent,
            model_share,
            suffix=suffix,
        ),
        Alarm(
            "service-errors",
            f"More than {percent:g} % of the requests get a 5XX from SageMaker.",
            service,
            percent,
            service_share,
            suffix=suffix,
        ),
        Alarm(
            "latency",
            f"One answer in ten takes longer than {limit:g} s of the {deadline_seconds:g} s that it may take.",
            {"latency": variant.series("ModelLatency", "p90")},
            limit * _MICROSECONDS,
            suffix=suffix,
        ),
        Alarm(
            "saturation",
            f"Each instance answers more than {concurrency:g} of {requests_per_instance} requests at once, on average.",
            {"concurrency": variant.series("ConcurrentRequestsPerModel", "Average")},
            concurrency,
            periods=2,
            suffix=suffix,
        ),
    ]


def presence_alarm(variant: WatchedVariant) -> Alarm:
    """Return the alarm that an awake variant has no healthy instance: its instances report a metric each minute."""
    return Alarm(
        "no-instance",
        "For ten minutes no instance has reported: there is no healthy one, or no endpoint.",
        {"instances": variant.series("MemoryUtilization", "SampleCount", INSTANCES)},
        1,
        comparison="LessThanThreshold",
        missing="breaching",
        period=60,
        periods=10,
        breaching=10,
        suffix=variant.suffix,
    )
