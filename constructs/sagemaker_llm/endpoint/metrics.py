"""What SageMaker tells CloudWatch about an endpoint, with the units in which it tells it.

Source: docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html.
"""

from __future__ import annotations

from typing import TypedDict, Unpack

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch


class MetricOptions(TypedDict, total=False):
    """What every metric method takes.

    Attributes:
        variant_name: default ``AllTraffic``.
        statistic: default the one that suits the metric.
        period: default one minute.

    """

    variant_name: str
    statistic: str
    period: Duration


class EndpointMetrics:
    """The metrics of one endpoint's variants.

    Attributes:
        endpoint_name: the endpoint.

    """

    endpoint_name: str

    def metric(
        self,
        metric_name: str,
        *,
        namespace: str = "AWS/SageMaker",
        unit: cloudwatch.Unit | None = None,
        **options: Unpack[MetricOptions],
    ) -> cloudwatch.Metric:
        """Return any metric of a variant.

        Args:
            metric_name: as CloudWatch knows it.
            namespace: default that of invocations; that of instances is ``/aws/sagemaker/Endpoints``.
            unit: default any.
            options: see ``MetricOptions``; the default statistic is the sum.

        """
        variant = options.get("variant_name", "AllTraffic")
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=metric_name,
            dimensions_map={"EndpointName": self.endpoint_name, "VariantName": variant},
            statistic=options.get("statistic", "Sum"),
            unit=unit,
            period=options.get("period", Duration.minutes(1)),
        )

    def metric_invocations(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the number of requests."""
        return self.metric("Invocations", **options)

    def metric_model_latency(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the time the container took, in microseconds; the 95th percentile."""
        options.setdefault("statistic", "p95")
        return self.metric("ModelLatency", unit=cloudwatch.Unit.MICROSECONDS, **options)

    def metric_overhead_latency(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return what SageMaker added to it, in microseconds; the 95th percentile."""
        options.setdefault("statistic", "p95")
        return self.metric("OverheadLatency", unit=cloudwatch.Unit.MICROSECONDS, **options)

    def metric_4xx_errors(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the number of requests that were refused."""
        return self.metric("Invocation4XXErrors", **options)

    def metric_5xx_errors(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the number of requests that SageMaker or the container failed."""
        return self.metric("Invocation5XXErrors", **options)

    def metric_model_errors(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the number of answers of the container that were not 2XX, time-outs and lost sockets included."""
        return self.metric("InvocationModelErrors", **options)

    def metric_concurrent_requests(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the requests being answered for each model copy; the maximum."""
        options.setdefault("statistic", "Maximum")
        return self.metric("ConcurrentRequestsPerModel", **options)

    def metric_gpu_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the GPUs' use in percent, summed: 0 to 100 for each GPU of an instance; the average."""
        return self._of_instances("GPUUtilization", options)

    def metric_gpu_memory_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the use of the GPUs' memory in percent, summed: 0 to 100 for each GPU of an instance; the average."""
        return self._of_instances("GPUMemoryUtilization", options)

    def metric_memory_utilization(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the use of the instances' own memory in percent; the average."""
        return self._of_instances("MemoryUtilization", options)

    def _of_instances(self, name: str, options: MetricOptions) -> cloudwatch.Metric:
        options.setdefault("statistic", "Average")
        return self.metric(name, namespace="/aws/sagemaker/Endpoints", unit=cloudwatch.Unit.PERCENT, **options)
