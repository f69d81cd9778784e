"""What the function's environment variables say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generate.caps import Caps


@dataclass(frozen=True)
class Settings:
    """The proxy's settings.

    Attributes:
        endpoint_name: the SageMaker endpoint to ask.
        timeout_seconds: how long one generation may take, in seconds.
        max_request_bytes: the longest request body, in bytes.
        api: what the container answers, ``generate`` or ``chat``.
        caps: what one request may cost.

    """

    endpoint_name: str
    timeout_seconds: float
    max_request_bytes: int
    api: str
    caps: Caps


def read(environment: Mapping[str, str]) -> Settings:
    """Read the settings; all variables are required.

    Raises:
        RuntimeError: a variable is missing or wrong. It ends the function's start-up, so that a deployment which cannot
            work is seen by its first request.

    """
    return Settings(
        endpoint_name=_variable(environment, "ENDPOINT_NAME"),
        timeout_seconds=_positive(environment, "GENERATE_TIMEOUT_SECONDS"),
        max_request_bytes=int(_positive(environment, "MAX_REQUEST_BYTES")),
        api=_api(environment),
        caps=Caps(
            default_max_tokens=int(_positive(environment, "DEFAULT_MAX_TOKENS")),
            max_tokens=int(_positive(environment, "MAX_TOKENS")),
            max_generations=int(_positive(environment, "MAX_GENERATIONS")),
            max_prompt_characters=int(_positive(environment, "MAX_PROMPT_CHARACTERS")),
        ),
    )


def _variable(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise RuntimeError(f"the environment variable {name} is missing: deploy the proxy's stack again")
    return value


def _api(environment: Mapping[str, str]) -> str:
    api = _variable(environment, "API")
    if api not in ("generate", "chat"):
        raise RuntimeError("the environment variable API must be generate or chat")
    return api


def _positive(environment: Mapping[str, str], name: str) -> float:
    try:
        number = float(_variable(environment, name))
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise RuntimeError(f"the environment variable {name} must be a number above 0")
    return number
