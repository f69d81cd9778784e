"""The threads in which requests wait for the model, so that a deadline can leave them behind."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class Workers:
    """Threads that wait for work. A ThreadPoolExecutor takes a hundredth of the proxy's CPU, for futures nobody reads.

    There are as many as the largest request so far needed, and no request needs more at once: none has to wait.
    """

    def __init__(self) -> None:
        self._count = 0
        self._work: queue.SimpleQueue[tuple[Callable[[int], None], int] | None] = queue.SimpleQueue()

    def start(self, work: Callable[[int], None], count: int) -> None:
        """Call ``work``, which must not raise, with 0 and so on, each in a thread of its own."""
        for number in range(count):
            self._work.put((work, number))
        while self._count < count:
            threading.Thread(target=_serve, args=(self._work,), daemon=True).start()
            self._count += 1

    def end(self) -> None:
        """Let each thread end when its work is done."""
        for _ in range(self._count):
            self._work.put(None)


def _serve(work: queue.SimpleQueue[tuple[Callable[[int], None], int] | None]) -> None:
    while one := work.get():
        function, number = one
        function(number)
