"""The metrics that the proxy's function writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch

from sagemaker_llm.metric import metric
from sagemaker_llm.proxy import source


@dataclass(frozen=True)
class DetailedMetrics:
    """The metrics of a proxy by route, variant and client.

    Attributes:
        environment: the value of their dimension ``Environment``.
        clients: the clients' names, by what identifies them: the first 16 characters of a client's keys, a principal's
            ARN, ``account:role name`` for an assumed role, or an account.

    """

    environment: str
    clients: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """Return the function's environment variables."""
        found = {"METRICS_ENVIRONMENT": self.environment}
        if self.clients:
            found["METRICS_CLIENTS"] = json.dumps(self.clients, separators=(",", ":"))
        return found


class ProxyMetrics:
    """The metrics of one proxy. Each method takes the options of ``aws_cloudwatch.Metric``."""

    _endpoint_name: str

    def metric(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - the CDK's MetricOptions
        """Return any metric that the function writes; the sum over a minute by default.

        Args:
            metric_name: ``Requests``, ``ClientErrors``, ``ServerErrors``, ``Throttles``, ``Attempts``,
                ``UpstreamLatency``, ``ProxyOverhead``, ``TokensIn``, ``TokensOut`` or ``TokensPerSecond``.
            options: those of ``aws_cloudwatch.Metric``; the CDK refuses any other.

        """
        namespace, dimension = source.metrics_names()
        return metric(namespace, metric_name, {dimension: self._endpoint_name}, options)

    def metric_requests(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the number of requests; health requests are not counted."""
        return self.metric("Requests", **options)

    def metric_server_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the number of responses with a status of 500 or more."""
        return self.metric("ServerErrors", **options)

    def metric_throttles(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the number of responses with status 429."""
        return self.metric("Throttles", **options)

    def metric_upstream_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the time until SageMaker's last byte, in milliseconds; the 95th percentile by default."""
        return self.metric("UpstreamLatency", **{"statistic": "p95", "unit": cloudwatch.Unit.MILLISECONDS, **options})
