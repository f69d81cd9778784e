"""What a variant's instances answer at once: so many requests run, so many wait, the rest is throttled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from local_aws.server.errors import AwsError


@dataclass
class _Places:
    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Line:
    """The requests of every variant that run or wait. All of it happens on the server's one event loop."""

    def __init__(self) -> None:
        self._places: dict[str, _Places] = {}

    def running(self, variant: str) -> int:
        """Return how many requests of a variant are being answered."""
        return self._places[variant].running if variant in self._places else 0

    @asynccontextmanager
    async def place(self, variant: str, *, at_once: int, waiting: int) -> AsyncIterator[None]:
        """Wait for a place, and give it to the next one afterwards.

        Args:
            variant: what has the places; any name that is unique to it.
            at_once: how many places it has.
            waiting: how many may wait for one.

        Raises:
            AwsError: ``ThrottlingException`` when too many wait already; its message is null, as SageMaker's is.

        """
        places = self._places.setdefault(variant, _Places())
        if places.running < at_once:
            places.running += 1
        elif len(places.waiting) < waiting:
            await self._turn(places)
        else:
            raise AwsError("ThrottlingException", None)
        try:
            yield
        finally:
            self._hand_on(places)

    async def _turn(self, places: _Places) -> None:
        turn = asyncio.get_running_loop().create_future()
        places.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # The caller has gone: before its turn, or at the moment it came.
            if turn in places.waiting:
                places.waiting.remove(turn)
            elif not turn.cancelled():
                self._hand_on(places)
            raise

    @staticmethod
    def _hand_on(places: _Places) -> None:
        while places.waiting:
            following = places.waiting.popleft()
            if not following.done():
                following.set_result(None)
                return
        places.running -= 1
