"""The names that other programs find things by. They stay: renaming one replaces what is deployed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from aws_cdk import Stack

PROJECT: Final = "cohere"
"""The first part of every stack's name and parameter's path, and the value of the tag ``project``."""

URL_OUTPUT: Final = "GenerateUrl"
"""The proxy stack's output with the URL of its front door."""

FUNCTION_OUTPUT: Final = "FunctionName"
"""The proxy stack's output with the function's name."""

Parameter: TypeAlias = Literal["endpoint-name", "endpoint-arn", "api", "generate-url", "generate-function"]
"""What is published in SSM Parameter Store for other teams, under ``/cohere/<environment>/``."""


STACKS: Final = ("endpoint", "proxy", "operations")
"""The stacks that an environment can have, in the order of their deployment."""


KEY_BEGINNING: Final = 16
"""How many characters of a key tell whose it is; ``proxy/adapters/lambda_event.py`` has the same number."""


def stack_name(environment: str, stack: str) -> str:
    """Return the CloudFormation name of an environment's stack, one of ``STACKS``."""
    return f"{PROJECT}-{environment}-{stack}"


def power_function(environment: str) -> str:
    """Return the name of the function that puts an environment's endpoint to sleep and wakes it."""
    return f"{PROJECT}-{environment}-power"


def parameter_name(environment: str, key: Parameter) -> str:
    """Return an SSM parameter's name."""
    return f"/{PROJECT}/{environment}/{key}"


def publish(stack: Stack, environment: str, key: Parameter, value: str) -> None:
    """Declare an SSM parameter for other teams.

    Args:
        stack: who owns it.
        environment: the environment's name.
        key: which.
        value: its value, or a token.

    """
    # Not at the top: the command line knows names without starting the CDK, which takes seconds.
    from aws_cdk import aws_ssm as ssm

    ssm.CfnParameter(stack, f"Parameter-{key}", name=parameter_name(environment, key), type="String", value=value)


def alarm_prefix(environment: str) -> str:
    """Return the beginning of an environment's alarms' names, and the name of its dashboard."""
    return f"{PROJECT}-{environment}"


def alarm_topic(environment: str) -> str:
    """Return the name of the topic of an environment's alarms, where the environment has one of its own."""
    return f"{PROJECT}-{environment}-alarms"


def key_beginning(client: str) -> str:
    """Return the beginning of a client's API keys, 16 letters and digits, by which the proxy's metrics know the client.

    Not the name itself, which may have hyphens: a key has letters and digits only
    (docs.aws.amazon.com/apigateway/latest/api/API_CreateApiKey.html).
    """
    return hashlib.sha256(client.encode()).hexdigest()[:KEY_BEGINNING]
