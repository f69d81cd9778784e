"""SageMaker's limits on an endpoint, and the checks that need nothing but a value.

Source: botocore's service model of SageMaker (``CreateEndpoint``, ``CreateEndpointConfig``), version 1.44.5.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, get_args

from sagemaker_llm.errors import OptionError

ENDPOINT_NAME_PATTERN: Final = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
"""SageMaker's own pattern, in lower case: endpoint ARNs are lower case and IAM compares them with case."""

ENDPOINT_NAME_LENGTH: Final = 63
"""The longest endpoint name, in characters."""

TIMEOUT_SECONDS: Final = (60, 3600)
"""The shortest and longest download and start-up time-out, in seconds."""

TIMEOUT_DEFAULT_SECONDS: Final = 2400
"""The default of it, as in Cohere's own client."""

PROVISION_SECONDS: Final = (300, 3600)
"""The shortest and longest time-out of waiting for instances, in seconds."""

VOLUME_GB: Final = (1, 512)
"""The smallest and largest storage volume, in GB."""

MAX_POOLS: Final = 5
"""The most instance pools of a variant."""

MAX_VARIANTS: Final = 10
"""The most variants of an endpoint."""

GENERATE_SECONDS: Final = (1, 70)
"""The shortest and longest time-out of one generation, in seconds.

SageMaker ends a normal invocation after 60 s, and AWS advises clients to wait 70 s for such models.
Source: botocore's model of sagemaker-runtime, ``InvokeEndpoint``.
"""

GENERATE_DEFAULT_SECONDS: Final = 65
"""The default of it: more than SageMaker's own 60 s."""

STREAM_SECONDS: Final = (1, 480)
"""The shortest and longest time-out of a streamed response, in seconds.

SageMaker ends a stream after 8 minutes.
Source: docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html.
"""

STREAM_DEFAULT_SECONDS: Final = 300
"""The default of it."""

RESERVE_SECONDS: Final = 5
"""The function's time beside the model's, in seconds: connecting, parsing and responding."""

REQUEST_BYTES: Final = (1024, 4_000_000)
"""The least and greatest limit of a request body, in bytes. A function takes 6 MB: the event, in base64."""

REQUEST_DEFAULT_BYTES: Final = 262_144
"""The default of it. A 2023 model reads about 8 KB of text."""

MEMORY_MIB: Final = (128, 10_240)
"""The least and most memory of a function, in MiB (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""

MEMORY_DEFAULT_MIB: Final = 512
"""The default of it. CPU grows with it."""

REST_API_SECONDS: Final = (2, GENERATE_SECONDS[1] + RESERVE_SECONDS)
"""The shortest and longest time-out of a REST API here, in seconds: at most that of the function itself."""

REST_API_STREAM_SECONDS: Final = (2, 900)
"""The shortest and longest time-out of a REST API that streams, in seconds.

Source: docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html.
"""

REST_API_DEFAULT_SECONDS: Final = 29
"""API Gateway's own time-out, in seconds.

A longer one needs a larger quota "Maximum integration timeout in milliseconds", which AWS raises for regional and
private APIs.
Source: docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html.
"""

MAX_REQUESTS_PER_SECOND: Final = 10_000
"""The highest rate of an API or a key: API Gateway's own for an account and region."""

BURST: Final = (1, 5_000)
"""The fewest and most requests at once of an API or a key: API Gateway's own for an account and region."""

FIREWALL_REQUESTS: Final = (10, 2_000_000_000)
"""The fewest and most requests of an address in five minutes that a firewall's rate rule can allow."""

MAX_GENERATIONS: Final = 5
"""The most generations of one request (docs.cohere.com, API v1 ``generate``)."""

VARIANT_NAME: Final = "AllTraffic"
"""The name of an endpoint's only variant, as every AWS console and SDK default calls it."""

MODEL_NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}"
"""What clients may call a model: the names that Cohere, OpenAI and Hugging Face give fit."""

VARIANT_NAME_PATTERN: Final = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
"""SageMaker's pattern of a variant's name; it does not bound the length."""

VARIANT_NAME_LENGTH: Final = 63
"""The longest name of a variant, in characters."""

RESERVATION_ARN_PATTERN: Final = r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:[a-z0-9-]{1,14}/\S+"
"""SageMaker's pattern of a capacity reservation's ARN."""

ROLE_ARN_PATTERN: Final = r"arn:aws[a-z-]*:iam::\d{12}:role/\S+"
"""The pattern of a role's ARN."""

KEY_ARN_PATTERN: Final = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[a-zA-Z0-9-]+"
"""The pattern of a key's ARN; a policy needs the ARN, so an alias is not taken."""

COHERE_AMI: Final = "al2-ami-sagemaker-inference-gpu-2"
"""The inference AMI version that Cohere's packages of today need."""

RoutingStrategy: TypeAlias = Literal["LEAST_OUTSTANDING_REQUESTS", "RANDOM"]
"""How requests find an instance. The others that SageMaker has need a container which keeps prompts' prefixes."""

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


def check_range(option: str, value: float, low: float, high: float, *, unit: str = "", remedy: str = "") -> float:
    """Return a number when it lies in SageMaker's range.

    Args:
        option: the option's name, for the error.
        value: the number.
        low: the least allowed.
        high: the most allowed; infinity for no limit.
        unit: what it counts, for the error, e.g. ``seconds``.
        remedy: what to do, for the error.

    Raises:
        OptionError: it is below ``low`` or above ``high``.

    """
    if low <= value <= high:
        return value
    allowed = f"{low:g} or more" if high == float("inf") else f"{low:g} to {high:g}"
    raise OptionError(option, value, problem="is out of range", allowed=f"{allowed} {unit}".strip(), remedy=remedy)


def check_one_of(one: str, value: object, other: str, other_value: object, *, remedy: str = "") -> None:
    """Refuse both options, and none of them.

    Raises:
        OptionError: both are given, or neither.

    """
    if bool(value) == bool(other_value):
        problem = f"and {other} exclude each other" if value else f"is missing, and {other} too"
        raise OptionError(one, value, problem=problem, allowed=f"one of {one} and {other}", remedy=remedy)


def check_pattern(option: str, value: str, pattern: str, allowed: str, *, length: int | None = None) -> str:
    """Return a text when all of it matches SageMaker's pattern.

    Args:
        option: the option's name, for the error.
        value: the text.
        pattern: the pattern.
        allowed: what is allowed, in words.
        length: the most characters; default as many as the pattern allows.

    Raises:
        OptionError: it does not match, or is longer.

    """
    if re.fullmatch(pattern, value) and (length is None or len(value) <= length):
        return value
    raise OptionError(option, value, problem="is malformed", allowed=allowed)


def check_instance_count(option: str, count: int) -> int:
    """Return an instance count when a real-time variant of a Marketplace package can have it.

    Raises:
        OptionError: it is below 1.

    """
    remedy = (
        "scaling to zero needs inference components, which packages are not known to support; "
        "destroy the endpoint's stack to pay nothing"
    )
    return int(check_range(option, count, 1, float("inf"), remedy=remedy))


def check_inference_ami(version: str) -> str:
    """Return an inference AMI version when SageMaker has it for GPU types.

    Raises:
        OptionError: SageMaker does not list it for GPU types.

    """
    known = get_args(InferenceAmi)
    if version in known:
        return version
    raise OptionError("inference_ami_version", version, problem="is no GPU inference AMI", allowed=", ".join(known))
