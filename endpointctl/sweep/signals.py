"""Signals that stop a sweep without losing an answer."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_HANG_UP_SECONDS: Final = 1.0
"""One lost terminal sends SIGHUP several times: the kernel does, and the shell."""


class Stop:
    """A flag that a signal handler can set: unlike threading.Event it has no lock, which the main thread may hold."""

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        """Stop the sweep."""
        self._set = True

    def is_set(self) -> bool:
        """Return whether the sweep is stopped."""
        return self._set


@contextmanager
def stop_on_signals(stop: Stop) -> Iterator[None]:
    """Set ``stop`` on the first SIGINT, SIGTERM or SIGHUP, and at the end; raise KeyboardInterrupt on the second.

    The first one raises nothing: an exception could fall between an answer and its line in the file. A SIGHUP that is
    ignored stays ignored: that is what ``nohup`` sets. Outside the main thread, which alone receives signals, only the
    end sets ``stop``.
    """
    first: float | None = None

    def interrupt(number: int, _frame: object) -> None:
        nonlocal first
        now = time.monotonic()
        if first is None:
            first = now
            stop.set()
        elif number != signal.SIGHUP or now - first > _HANG_UP_SECONDS:
            raise KeyboardInterrupt

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        stop.set()
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
