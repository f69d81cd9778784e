"""The concurrency of a variant: a number of requests run, a number wait, and the others are throttled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from local_aws.server.errors import AwsError


@dataclass
class _Requests:
    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class RequestQueue:
    """The requests of every variant that run or wait. All of its methods run on the server's one event loop."""

    def __init__(self) -> None:
        self._requests: dict[str, _Requests] = {}

    def running(self, variant: str) -> int:
        """Return how many requests of a variant are running."""
        return self._requests[variant].running if variant in self._requests else 0

    @asynccontextmanager
    async def place(self, variant: str, *, concurrency: int, length: int) -> AsyncIterator[None]:
        """Wait until a request may run; at the end, the first request in the queue may run.

        Args:
            variant: a unique name of the variant.
            concurrency: how many of its requests run at the same time.
            length: how many of its requests may wait.

        Raises:
            AwsError: ``ThrottlingException`` when the queue is full; its message is null, as SageMaker's is.

        """
        requests = self._requests.setdefault(variant, _Requests())
        if requests.running < concurrency:
            requests.running += 1
        elif len(requests.waiting) < length:
            await self._wait(requests)
        else:
            raise AwsError("ThrottlingException", None)
        try:
            yield
        finally:
            self._start_next(requests)

    async def _wait(self, requests: _Requests) -> None:
        started = asyncio.get_running_loop().create_future()
        requests.waiting.append(started)
        try:
            await started
        except asyncio.CancelledError:
            # The caller has disconnected: while the request waited, or just when it was started.
            if started in requests.waiting:
                requests.waiting.remove(started)
            elif not started.cancelled():
                self._start_next(requests)
            raise

    @staticmethod
    def _start_next(requests: _Requests) -> None:
        while requests.waiting:
            started = requests.waiting.popleft()
            if not started.done():
                started.set_result(None)
                return
        requests.running -= 1
