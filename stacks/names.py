"""The names that other programs find things by. They stay: renaming one replaces what is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aws_cdk import Stack

PROJECT: Final = "cohere"
"""The first part of every stack's name and parameter's path, and the value of the tag ``project``."""

URL_OUTPUT: Final = "GenerateUrl"
FUNCTION_OUTPUT: Final = "FunctionName"
"""The proxy stack's output that holds the Function URL."""

PARAMETERS: Final = ("endpoint-name", "endpoint-arn", "api", "generate-url", "generate-function")
"""What is published in SSM Parameter Store for other teams, under ``/cohere/<environment>/``."""


def stack_name(environment: str, stack: str) -> str:
    """Return the CloudFormation name of an environment's stack, ``endpoint`` or ``proxy``."""
    return f"{PROJECT}-{environment}-{stack}"


def parameter_name(environment: str, key: str) -> str:
    """Return the SSM parameter's name of one of ``PARAMETERS``."""
    return f"/{PROJECT}/{environment}/{PARAMETERS[PARAMETERS.index(key)]}"


def publish(stack: Stack, environment: str, key: str, value: str) -> None:
    """Declare an SSM parameter for other teams.

    Args:
        stack: who owns it.
        environment: the environment's name.
        key: one of ``PARAMETERS``.
        value: its value, or a token.

    """
    # Not at the top: the command line knows names without starting the CDK, which takes seconds.
    from aws_cdk import aws_ssm as ssm

    ssm.CfnParameter(stack, f"Parameter-{key}", name=parameter_name(environment, key), type="String", value=value)
