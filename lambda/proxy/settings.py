"""The proxy's settings, from the function's environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.routes import schema
from proxy.routes.table import APIS, ROUTES


@dataclass(frozen=True)
class Settings:
    """The proxy's settings.

    Attributes:
        endpoint_name: the SageMaker endpoint.
        timeout_seconds: how long one generation may take, in seconds.
        max_request_bytes: the longest request body, in bytes.
        api: what the container answers, one of ``routes.table.APIS``.
        front_door_seconds: the front door's own time-out; practically infinite for a Function URL, which has none.
        cors_origins: the origins whose pages may read the answers in a browser.
        log_level: INFO (a line for each request) or ERROR (for a status of 500 or more).
        default_max_tokens: sent as ``max_tokens`` when a request names none.
        limits: the limits of a request, by the names in the schemas.

    """

    endpoint_name: str
    timeout_seconds: float
    max_request_bytes: int
    api: str
    front_door_seconds: float
    cors_origins: frozenset[str]
    log_level: str
    default_max_tokens: int
    limits: Mapping[str, int]


def read(environment: Mapping[str, str]) -> Settings:
    """Read the settings. All variables are required but ``FRONT_DOOR_SECONDS``, ``CORS_ORIGINS`` and ``LOG_LEVEL``.

    Raises:
        RuntimeError: a variable is missing or wrong. It ends the function's start-up, so that the version check fails
            the deployment.

    """
    return Settings(
        endpoint_name=_variable(environment, "ENDPOINT_NAME"),
        timeout_seconds=_positive(environment, "GENERATE_TIMEOUT_SECONDS"),
        max_request_bytes=int(_positive(environment, "MAX_REQUEST_BYTES")),
        api=_one_of(environment, "API", APIS),
        front_door_seconds=_positive({"FRONT_DOOR_SECONDS": "1e9", **environment}, "FRONT_DOOR_SECONDS"),
        cors_origins=frozenset(environment.get("CORS_ORIGINS", "").split()),
        log_level=_one_of({"LOG_LEVEL": "INFO", **environment}, "LOG_LEVEL", ("INFO", "ERROR")),
        default_max_tokens=int(_positive(environment, "DEFAULT_MAX_TOKENS")),
        limits={
            name: int(_positive(environment, name))
            for route in ROUTES
            if route.schema
            for name in schema.limit_names(route.schema)
        },
    )


def _variable(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise RuntimeError(f"the environment variable {name} is missing: deploy the proxy's stack again")
    return value


def _one_of(environment: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = _variable(environment, name)
    if value not in allowed:
        raise RuntimeError(f"the environment variable {name} must be {' or '.join(allowed)}")
    return value


def _positive(environment: Mapping[str, str], name: str) -> float:
    try:
        number = float(_variable(environment, name))
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise RuntimeError(f"the environment variable {name} must be a number above 0")
    return number
