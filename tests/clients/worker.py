"""Runs the scenarios of one client environment: a line of JSON in is a call, a line of JSON out is its result.

It runs with an environment's own Python (``.tools/clients-…``) and imports nothing of this project but its own folder.
The clients are unmodified, their retries included. Only name resolution is replaced: every host name is this machine.
So the local cloud serves a deployed URL, and no client reaches anything else.
"""

import base64
import importlib
import json
import os
import socket
import sys
import time
import warnings
from dataclasses import asdict, is_dataclass
from typing import Any

from scenarios.service import Service

_resolve = socket.getaddrinfo


def _here(host: Any, *arguments: Any, **options: Any) -> Any:
    return _resolve("127.0.0.1", *arguments, **options)


def plain(value: Any) -> Any:
    """Return what a client returned as JSON can hold it: its models as objects."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "__dict__"):
        return plain({key: item for key, item in vars(value).items() if not key.startswith("_")})
    return str(value)


def raised(error: Exception) -> dict[str, Any]:
    """Return an exception as its caller would see it."""
    status = getattr(error, "status_code", None) or getattr(error, "http_status", None)
    return {
        "class": type(error).__name__,
        "module": type(error).__module__,
        "status_code": status,
        "body": plain(getattr(error, "body", None)),
        "headers": dict(getattr(error, "headers", None) or {}),
        "message": str(error),
    }


def run(call: dict[str, Any]) -> dict[str, Any]:
    """Run one call; a stream is read to its end.

    Args:
        call: ``scenario`` (module and function), ``service`` (see ``Service``) and ``options`` of the function.

    """
    module, _, name = call["scenario"].partition(".")
    began = time.perf_counter()
    events: list[Any] = []
    at: list[float] = []
    result: dict[str, Any] = {"value": None, "error": None}
    try:
        function = getattr(importlib.import_module(f"scenarios.{module}"), name)
        began = time.perf_counter()  # imports are not the client's time
        value = function(Service.of(call["service"]), **call["options"])
        if hasattr(value, "__next__"):
            for event in value:
                events.append(plain(event))
                at.append(time.perf_counter() - began)
            value = events
        result["value"] = plain(value)
    except Exception as error:  # noqa: BLE001 - whatever a client raises is the result
        result["error"] = raised(error)
    return {**result, "events": events, "at": at, "seconds": time.perf_counter() - began}


def main() -> None:
    """Answer calls until standard input ends."""
    warnings.simplefilter("ignore")
    socket.getaddrinfo = _here
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a client prints must not be taken for an answer
    for line in sys.stdin:
        answers.write(json.dumps(run(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
