"""An endpoint that sleeps: what its callers are told, and how a request wakes it. Loaded when it is found asleep."""

from __future__ import annotations

import time
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from proxy.errors import ProxyError
from proxy.log import RequestLog
from proxy.upstream.sdk import create_client

_SECONDS: Final = 2.0
"""How long the function that wakes the endpoint may take to accept the event."""

_AGAIN_SECONDS: Final = 60.0
"""How long this execution environment waits before it sends another event."""

_LEAST_SECONDS: Final = 30
_WAKE: Final = b'{"action": "wake", "by": "request"}'


class SleepingEndpoint:
    """The endpoint of this environment, which does not exist while it sleeps, and takes minutes to wake.

    Args:
        wake_seconds: how long it takes to wake.
        wake_function: the function that wakes it; empty when requests do not wake it.

    """

    def __init__(self, wake_seconds: float, wake_function: str) -> None:
        self._wake_seconds = wake_seconds
        self._function = wake_function
        self._client: Any = None
        self._first_asked: float | None = None
        self._last_asked: float | None = None

    def error(self, log: RequestLog) -> ProxyError:
        """Return the error for a request that found it asleep; wake it, if requests do.

        The event is sent at most once a minute, and that function coalesces those of all environments.

        Args:
            log: gets ``wake``: ``asked``, or the name of the error that prevented it.

        """
        # By the wall clock: the monotonic one may stand still while the function is frozen.
        now = time.time()
        if not self._function:
            message = "the model sleeps, and no request wakes it; ask the operator when it is awake"
            return ProxyError("asleep", message, retry_after_seconds=round(self._wake_seconds))
        if self._last_asked is None or not 0 <= now - self._last_asked < _AGAIN_SECONDS:
            problem = self._ask()
            log.add(wake=problem or "asked")
            if problem:
                message = "the model sleeps and could not be woken; report it to the operator"
                return ProxyError("asleep", message, cause=problem, retry_after_seconds=round(self._wake_seconds))
            self._last_asked = now
            # A second waking is another one: the first has come to its end.
            if self._first_asked is None or not 0 <= now - self._first_asked < 2 * self._wake_seconds:
                self._first_asked = now
        waited = now - (self._first_asked or now)
        left = max(_LEAST_SECONDS, round(self._wake_seconds - waited))
        return ProxyError("asleep", "the model sleeps and was asked to wake; try again then", retry_after_seconds=left)

    def _ask(self) -> str:
        """Send the event; return the name of the error that prevented it."""
        try:
            if self._client is None:
                self._client = create_client(
                    "lambda",
                    Config(
                        retries={"mode": "standard", "total_max_attempts": 1},
                        connect_timeout=_SECONDS,
                        read_timeout=_SECONDS,
                    ),
                )
            self._client.invoke(FunctionName=self._function, InvocationType="Event", Payload=_WAKE)
        except ClientError as error:
            return str(error.response.get("Error", {}).get("Code", "ClientError"))
        except BotoCoreError as error:
            return type(error).__name__
        return ""
