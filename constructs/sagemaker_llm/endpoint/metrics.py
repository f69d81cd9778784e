"""The metrics that SageMaker publishes about an endpoint, in the units in which it publishes them.

Source: docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch

from sagemaker_llm.limits import VARIANT_NAME
from sagemaker_llm.metric import metric


class EndpointMetrics:
    """The metrics of one endpoint's variants.

    Each method takes ``variant_name`` (default ``AllTraffic``) and the options of ``aws_cloudwatch.Metric``
    (``statistic``, ``period``, ``label``, ``color``, ``account``, ``region``, ``unit``); the CDK refuses any other. The
    default period is one minute, the default statistic that of the method.

    Attributes:
        endpoint_name: the endpoint.

    """

    endpoint_name: str

    def metric(
        self,
        metric_name: str,
        *,
        variant_name: str = VARIANT_NAME,
        namespace: str = "AWS/SageMaker",
        **options: Any,  # noqa: ANN401 - the CDK's MetricOptions
    ) -> cloudwatch.Metric:
        """Return any metric of a variant; the sum by default.

        Args:
            metric_name: the name in CloudWatch.
            variant_name: the variant.
            namespace: default that of invocations; that of instances is ``/aws/sagemaker/Endpoints``.
            options: see the class.

        """
        dimensions = {"EndpointName": self.endpoint_name, "VariantName": variant_name}
        return metric(namespace, metric_name, dimensions, options)

    def metric_invocations(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the number of requests."""
        return self.metric("Invocations", **options)

    def metric_model_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the container's time, in microseconds; the 95th percentile by default."""
        return self.metric("ModelLatency", **{"statistic": "p95", "unit": cloudwatch.Unit.MICROSECONDS, **options})

    def metric_overhead_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return SageMaker's own time, in microseconds; the 95th percentile by default."""
        return self.metric("OverheadLatency", **{"statistic": "p95", "unit": cloudwatch.Unit.MICROSECONDS, **options})

    def metric_4xx_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the number of requests that were refused."""
        return self.metric("Invocation4XXErrors", **options)

    def metric_5xx_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the number of requests on which SageMaker or the container failed."""
        return self.metric("Invocation5XXErrors", **options)

    def metric_model_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the number of the container's responses that were not 2XX, time-outs and socket errors included."""
        return self.metric("InvocationModelErrors", **options)

    def metric_concurrent_requests(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the concurrent requests of each model copy; the maximum by default."""
        return self.metric("ConcurrentRequestsPerModel", **{"statistic": "Maximum", **options})

    def metric_gpu_utilization(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the GPUs' use in percent, summed: 0 to 100 for each GPU of an instance; the average by default."""
        return self._of_instances("GPUUtilization", options)

    def metric_gpu_memory_utilization(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the use of the GPUs' memory in percent, summed likewise; the average by default."""
        return self._of_instances("GPUMemoryUtilization", options)

    def metric_memory_utilization(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the use of the instances' memory in percent; the average by default."""
        return self._of_instances("MemoryUtilization", options)

    def _of_instances(self, name: str, options: dict[str, Any]) -> cloudwatch.Metric:
        defaults = {"statistic": "Average", "unit": cloudwatch.Unit.PERCENT, "namespace": "/aws/sagemaker/Endpoints"}
        return self.metric(name, **{**defaults, **options})
