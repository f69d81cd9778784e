"""Lets Python functions see the movable clock, and lets their requests be signed by it.

Functions behind the Lambda Web Adapter keep the machine's clock. One of the modules that use MiniStack's private names.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime, sigv4

from local_aws.server.clock import Clock

_BEFORE_HANDLER = "        _deadline = time.time()"
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
