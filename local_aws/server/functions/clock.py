"""Lets Python functions see the movable clock, and lets their requests be signed by it.

Functions behind the Lambda Web Adapter keep the machine's clock. One of the modules that use MiniStack's private names.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime, sigv4
from ministack.services import lambda_svc

from local_aws.server.clock import Clock
from local_aws.server.front_doors import web_adapter

_BEFORE_HANDLER = "        _deadline = time.time()"
_EPOCHS = ("requestTimeEpoch", "timeEpoch")
_SOURCE = Path(__file__).with_name("moved_clock.py")


def complete(clock: Clock) -> None:
    """Put the clock in front of MiniStack's worker script, and accept signatures of both clocks.

    Raises:
        RuntimeError: MiniStack's worker script is another one.

    """
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if _BEFORE_HANDLER not in script:
        raise RuntimeError("MiniStack's worker script has changed: see local_aws/server/functions/clock.py")
    script = script.replace(_BEFORE_HANDLER, f"        follow_conditions()\n{_BEFORE_HANDLER}", 1)
    lambda_runtime._PYTHON_WORKER_SCRIPT = f"{_SOURCE.read_text('utf-8')}\n\ninstall()\n{script}"
    original = sigv4.request_time_failure

    def failure(signature: Any, **options: Any) -> tuple[str, str] | None:  # noqa: ANN401 - MiniStack's own
        found: tuple[str, str] | None = original(signature, **options)
        # A function signs by the movable clock, people and the CDK by the machine's.
        return found and original(signature, now=datetime.fromtimestamp(clock.now(), UTC))

    sigv4.request_time_failure = failure
    _move_events(clock)


def _move_events(clock: Clock) -> None:
    """Let a front door's event have the time of the function's clock: the difference is how long the request waited."""
    original = lambda_svc._execute_function_warm

    def execute(function: Any, event: Any, request_id: str) -> Any:  # noqa: ANN401 - MiniStack's own
        context = event.get("requestContext") if isinstance(event, dict) else None
        ahead = clock.now() - time.time()
        if ahead >= 1 and isinstance(context, dict) and not web_adapter.is_adapted(function.get("config") or function):
            moved = {key: context[key] + round(ahead * 1000) for key in _EPOCHS if isinstance(context.get(key), int)}
            event = {**event, "requestContext": {**context, **moved}}
        return original(function, event, request_id)

    lambda_svc._execute_function_warm = execute
