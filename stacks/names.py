"""The names that other programs find the stacks by. They stay: renaming one replaces what is deployed."""

from __future__ import annotations

from typing import Final

PROJECT: Final = "cohere"
"""The first part of every stack's name and the value of the tag ``project``."""

URL_OUTPUT: Final = "GenerateUrl"
"""The proxy stack's output that holds the Function URL."""


def stack_name(environment: str, stack: str) -> str:
    """Return the CloudFormation name of an environment's stack, ``endpoint`` or ``proxy``."""
    return f"{PROJECT}-{environment}-{stack}"
