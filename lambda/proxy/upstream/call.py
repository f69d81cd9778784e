"""One request on its way to the model, whoever waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


class Cancelled(Exception):
    """Nobody waits for this call any more."""


@dataclass
class Call:
    """One request on its way to the model.

    Attributes:
        endpoint: the endpoint's name.
        texts: returns what the caller wrote, which an error must not repeat.
        deadline: when the answer has to be there, by ``time.monotonic()``.
        variant: the variant of the endpoint; default by weight.
        attempts: how many requests were sent upstream so far.
        answered_by: the variant that answered, by SageMaker; empty before.

    """

    endpoint: str
    texts: Callable[[], str]
    deadline: float
    variant: str | None = None
    attempts: int = 0
    answered_by: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _cancelled: bool = field(default=False, repr=False)
    # Held until the call is cancelled: waiting for it is waiting for that. An Event costs three times as much.
    _running: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._running.acquire()

    @property
    def remaining(self) -> float:
        """Return the time until the deadline, in seconds; 0 when it has passed."""
        return max(0.0, self.deadline - time.monotonic())

    def cancel(self) -> None:
        """Let no further attempt begin. One that has begun cannot be taken back, also while it still connects."""
        with self._lock:
            if not self._cancelled:
                self._cancelled = True
                self._running.release()

    @property
    def cancelled(self) -> bool:
        """Return whether nobody waits for the answer any more."""
        return self._cancelled

    def begin_attempt(self) -> None:
        """Count an attempt, unless the call is cancelled."""
        with self._lock:
            if self._cancelled:
                raise Cancelled
            self.attempts += 1

    def pause(self, seconds: float) -> None:
        """Wait before another attempt; end at once when the call is cancelled."""
        if self._running.acquire(timeout=seconds):
            self._running.release()  # for the other workers
            raise Cancelled
