"""A CloudWatch metric with this library's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch


def metric(
    namespace: str, metric_name: str, dimensions: Mapping[str, str], options: Mapping[str, Any]
) -> cloudwatch.Metric:
    """Return a metric: the sum over a minute, unless the options say otherwise.

    Args:
        namespace: the namespace in CloudWatch.
        metric_name: the name in it.
        dimensions: the dimensions by name.
        options: those of ``aws_cloudwatch.Metric``; the CDK refuses any other.

    """
    defaults = {"statistic": "Sum", "period": Duration.minutes(1), "dimensions_map": dict(dimensions)}
    return cloudwatch.Metric(namespace=namespace, metric_name=metric_name, **{**defaults, **options})
