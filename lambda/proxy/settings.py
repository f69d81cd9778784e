"""The proxy's settings, from the function's environment variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.routes.table import APIS, LIMITS


@dataclass(frozen=True)
class Endpoint:
    """A SageMaker endpoint.

    Attributes:
        name: its name.
        api: what its container answers, one of ``routes.table.APIS``.
        models: the names that clients use for its model; its own name is always one.

    """

    name: str
    api: str
    models: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name of its model, the first of which is shown."""
        return (*self.models, self.name)


@dataclass(frozen=True)
class Settings:
    """The proxy's settings.

    Attributes:
        endpoints: the SageMaker endpoints; a request that names no model is for the first that can answer it.
        timeout_seconds: how long one answer may take, in seconds.
        stream_timeout_seconds: how long a stream may take, in seconds; 0 when the proxy does not stream.
        max_request_bytes: the longest request body, in bytes.
        front_door_seconds: the front door's own time-out; practically infinite for a Function URL, which has none.
        cors_origins: the origins whose pages may read the answers in a browser.
        log_level: INFO (a line for each request) or ERROR (for a request that failed here or behind the proxy).
        default_max_tokens: sent as ``max_tokens`` when a generate request names none.
        limits: the limits of a request, by the names in the schemas.
        wake_seconds: how long the first endpoint takes to wake, in seconds; 0 when it never sleeps.
        wake_function: the function that wakes it, for a request that finds it asleep; empty when requests do not.
        metrics_environment: the environment's name, where there are metrics by route, variant and client; else empty.
        metrics_clients: the names of the configured clients, by what identifies them.

    """

    endpoints: tuple[Endpoint, ...]
    timeout_seconds: float
    stream_timeout_seconds: float
    max_request_bytes: int
    front_door_seconds: float
    cors_origins: frozenset[str]
    log_level: str
    default_max_tokens: int
    limits: Mapping[str, int]
    wake_seconds: float = 0
    wake_function: str = ""
    metrics_environment: str = ""
    metrics_clients: Mapping[str, str] = field(default_factory=dict)


def read(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Not required are ``MODELS``, ``ENDPOINTS``, ``STREAM_TIMEOUT_SECONDS``, ``FRONT_DOOR_SECONDS``, ``CORS_ORIGINS``,
    ``LOG_LEVEL``, ``WAKE_SECONDS``, ``WAKE_FUNCTION``, ``METRICS_ENVIRONMENT`` and ``METRICS_CLIENTS``.

    Raises:
        RuntimeError: a variable is missing or wrong. It ends the function's start-up, so that the version check fails
            the deployment.

    """
    first = Endpoint(
        _variable(environment, "ENDPOINT_NAME"),
        _one_of(environment, "API", APIS),
        tuple(environment.get("MODELS", "").split()),
    )
    streams = "STREAM_TIMEOUT_SECONDS" in environment
    return Settings(
        endpoints=(first, *_more_endpoints(environment.get("ENDPOINTS", "[]"))),
        timeout_seconds=_positive(environment, "GENERATE_TIMEOUT_SECONDS"),
        stream_timeout_seconds=_positive(environment, "STREAM_TIMEOUT_SECONDS") if streams else 0,
        max_request_bytes=int(_positive(environment, "MAX_REQUEST_BYTES")),
        front_door_seconds=_positive({"FRONT_DOOR_SECONDS": "1e9", **environment}, "FRONT_DOOR_SECONDS"),
        cors_origins=frozenset(environment.get("CORS_ORIGINS", "").split()),
        log_level=_one_of({"LOG_LEVEL": "INFO", **environment}, "LOG_LEVEL", ("INFO", "ERROR")),
        default_max_tokens=int(_positive(environment, "DEFAULT_MAX_TOKENS")),
        limits={name: int(_positive(environment, name)) for name in LIMITS},
        wake_seconds=_positive(environment, "WAKE_SECONDS") if "WAKE_SECONDS" in environment else 0,
        wake_function=environment.get("WAKE_FUNCTION", ""),
        metrics_environment=environment.get("METRICS_ENVIRONMENT", ""),
        metrics_clients=json.loads(environment.get("METRICS_CLIENTS", "{}")),
    )


def _more_endpoints(text: str) -> list[Endpoint]:
    try:
        found = [
            Endpoint(str(one["name"]), str(one["api"]), tuple(map(str, one["models"]))) for one in json.loads(text)
        ]
    except (ValueError, TypeError, KeyError):
        found = [Endpoint("", "")]
    if any(one.api not in APIS or not one.name for one in found):
        raise RuntimeError(
            f"the environment variable ENDPOINTS must be a list of objects with name, api and models; "
            f"api is {' or '.join(APIS)}"
        )
    return found


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
