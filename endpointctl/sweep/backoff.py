"""The back-off of a sweep: all workers wait together, as long as the last refusal says."""

from __future__ import annotations

import random
import threading
import time
from typing import Final

from endpointctl.sweep.signals import Stop

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_POLL_SECONDS: Final = 0.1


class Backoff:
    """Make all workers wait together.

    Args:
        first: the first pause, in seconds; default 1. Each refusal after a pause doubles it, an answer resets it.

    """

    def __init__(self, first: float = _FIRST_PAUSE) -> None:
        self._first = first
        self._pause = first
        self._until = 0.0
        self._lock = threading.Lock()

    def pause(self, retry_after: float | None) -> None:
        """Start a pause, unless one is running: calls that are refused at the same time start one.

        Args:
            retry_after: the shortest pause, in seconds; None when the response does not say.

        """
        with self._lock:
            now = time.monotonic()
            if now < self._until:
                return
            longest = max(retry_after or 0.0, self._pause)
            self._until = now + longest * random.uniform(1.0, 1.25)  # noqa: S311 - no secret
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def reset(self) -> None:
        """Reset the next pause to the first one: a call was answered."""
        with self._lock:
            self._pause = self._first

    def wait(self, stop: Stop) -> None:
        """Wait until the pause is over, or until ``stop`` is set."""
        while (left := self.left) and not stop.is_set():
            time.sleep(min(left, _POLL_SECONDS))

    @property
    def left(self) -> float:
        """Return how much of the pause is left, in seconds."""
        return max(0.0, self._until - time.monotonic())
