"""Streamed responses: AWS's Lambda Web Adapter, a layer, in front of the proxy's own HTTP server."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration, Stack, Token
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from sagemaker_llm import limits
from sagemaker_llm.errors import OptionError
from sagemaker_llm.limits import check_range

HANDLER: Final = "proxy/start.sh"
"""The start script in the function's source, which the adapter's wrapper runs."""

ADAPTER: Final = "753240598075:layer:LambdaAdapterLayerArm64:27"
"""AWS's account, and the adapter's layer with its version: 1.0.0. AWS's regions only, not China and not GovCloud."""

REGIONS: Final = frozenset(
    {
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
        *("ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4"),
        *("ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1"),
        *("eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("il-central-1", "me-central-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1"),
        "us-west-2",
    }
)
"""Where AWS publishes the layer.

Source: github.com/aws/aws-lambda-web-adapter, ``.github/workflows/prod.json``, read 2026-11.
"""

_PORT: Final = 8080


def check(scope: Construct, *, streaming: bool, stream_timeout: Duration | None, snap_start: bool) -> int:
    """Return how long a stream may take, in seconds; 0 without streaming.

    Raises:
        OptionError: the time-out is out of range or has no effect, the region has no adapter, or SnapStart is on.

    """
    if not streaming:
        if stream_timeout:
            seconds = int(stream_timeout.to_seconds())
            raise OptionError(
                "stream_timeout", seconds, problem="has no effect without streaming", allowed="none, or streaming: true"
            )
        return 0
    seconds = int(stream_timeout.to_seconds()) if stream_timeout else limits.STREAM_DEFAULT_SECONDS
    remedy = "SageMaker itself ends a stream after 8 minutes"
    check_range("stream_timeout", seconds, *limits.STREAM_SECONDS, unit="seconds", remedy=remedy)
    region = Stack.of(scope).region
    if not Token.is_unresolved(region) and region not in REGIONS:
        raise OptionError(
            "streaming",
            True,
            problem=f"needs AWS's Lambda Web Adapter, which is not published in {region}",
            allowed=f"false, or one of {', '.join(sorted(REGIONS))}",
        )
    if snap_start:
        raise OptionError(
            "snap_start",
            True,
            problem="does not go with streaming: the hooks of Lambda's Python runtime would not run",
            allowed="false",
            remedy="leave it out, or turn streaming off",
        )
    return seconds


def layer(scope: Construct) -> lambda_.ILayerVersion:
    """Return the adapter's layer in the stack's region."""
    arn = f"arn:aws:lambda:{Stack.of(scope).region}:{ADAPTER}"
    return lambda_.LayerVersion.from_layer_version_arn(scope, "WebAdapter", arn)


def environment(stream_seconds: int) -> dict[str, str]:
    """Return the variables that the adapter and the server read.

    Args:
        stream_seconds: how long a stream may take, in seconds.

    Source: aws.github.io/aws-lambda-web-adapter, "Configuration".

    """
    return {
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap",
        "AWS_LWA_INVOKE_MODE": "response_stream",
        "AWS_LWA_PORT": str(_PORT),
        "AWS_LWA_READINESS_CHECK_PATH": "/healthz",
        "STREAM_TIMEOUT_SECONDS": str(stream_seconds),
    }
