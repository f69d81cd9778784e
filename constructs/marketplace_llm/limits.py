"""SageMaker's limits on an endpoint, and the checks that need nothing but a value.

Source: botocore's service model of SageMaker (``CreateEndpoint``, ``CreateEndpointConfig``), version 1.44.5.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, get_args

from marketplace_llm.errors import OptionError

ENDPOINT_NAME_PATTERN: Final = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
"""SageMaker's own pattern, in lower case: endpoint ARNs are lower case and IAM compares them with case."""

ENDPOINT_NAME_LENGTH: Final = 63
"""The longest endpoint name, in characters."""

TIMEOUT_SECONDS: Final = (60, 3600)
"""The shortest and longest download and start-up time-out, in seconds."""

InferenceAmi: TypeAlias = Literal[
    "al2-ami-sagemaker-inference-gpu-2",
    "al2-ami-sagemaker-inference-gpu-2-1",
    "al2-ami-sagemaker-inference-gpu-3-1",
    "al2023-ami-sagemaker-inference-gpu-4-1",
]
"""The inference AMI versions for GPU types: NVIDIA driver 535, 535, 550 and 580.

Source: docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html.
"""


def check_endpoint_name(name: str) -> str:
    """Return the name when SageMaker takes it and IAM can name it.

    Raises:
        OptionError: it is not lower case, holds another character than letters, digits and hyphens, begins or ends with
            a hyphen, or is longer than 63 characters.

    """
    if len(name) <= ENDPOINT_NAME_LENGTH and re.fullmatch(ENDPOINT_NAME_PATTERN.strip("^$"), name):
        return name
    raise OptionError(
        "endpoint_name",
        name,
        problem="is no endpoint name",
        allowed=f"1 to {ENDPOINT_NAME_LENGTH} lower-case letters, digits and inner hyphens",
        remedy="rename the endpoint, e.g. cohere-dev",
    )


def check_timeout(option: str, seconds: float) -> float:
    """Return a download or start-up time-out, in seconds, when SageMaker takes it.

    Raises:
        OptionError: it is outside 60 to 3600 seconds.

    """
    low, high = TIMEOUT_SECONDS
    if low <= seconds <= high:
        return seconds
    raise OptionError(option, seconds, problem="seconds is out of range", allowed=f"{low} to {high} seconds")


def check_instance_count(count: int) -> int:
    """Return an instance count when a real-time variant of a Marketplace package can have it.

    Raises:
        OptionError: it is below 1. Scale to zero needs inference components, which packages are not known to support.

    """
    if count >= 1:
        return count
    raise OptionError(
        "instance_count",
        count,
        problem="is too small",
        allowed="1 or more",
        remedy="destroy the endpoint's stack to pay nothing",
    )


def check_inference_ami(version: str) -> str:
    """Return an inference AMI version when SageMaker has it for GPU types.

    Raises:
        OptionError: SageMaker does not list it for GPU types.

    """
    known = get_args(InferenceAmi)
    if version in known:
        return version
    raise OptionError("inference_ami_version", version, problem="is no GPU inference AMI", allowed=", ".join(known))
