"""A response that is sent while its invocation runs: the invocation's thread writes it, the server's loop reads it."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

current: contextvars.ContextVar[ResponseStream | None] = contextvars.ContextVar("current", default=None)
"""Where the invocation writes its response as it is produced; None when the caller waits for the whole."""


class CutOff(Exception):
    """The response ends without its end: its invocation was stopped, or took too long."""


@dataclass(frozen=True)
class Head:
    """What a response begins with.

    Attributes:
        status: the HTTP status.
        headers: the headers; a list for one with several values.

    """

    status: int
    headers: dict[str, str | list[str]]


class ResponseStream:
    """One response. The methods that write may be called in any thread, the others in the loop that made it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[Head | bytes | CutOff | None] = asyncio.Queue()

    def begin(self, head: Head) -> None:
        """Send the head."""
        self._put(head)

    def write(self, chunk: bytes) -> None:
        """Send a part of the body."""
        self._put(chunk)

    def end(self) -> None:
        """End the response. What comes after the first end is never read."""
        self._put(None)

    def cut_off(self) -> None:
        """Break the response off."""
        self._put(CutOff())

    def _put(self, item: Head | bytes | CutOff | None) -> None:
        self._loop.call_soon_threadsafe(self._items.put_nowait, item)

    async def head(self) -> Head | None:
        """Wait for the head; None when the response ends without one."""
        item = await self._items.get()
        return item if isinstance(item, Head) else None

    async def chunks(self, deadline: float, idle_seconds: float) -> AsyncIterator[bytes]:
        """Yield the parts of the body as they are written.

        Args:
            deadline: until when, on the monotonic clock.
            idle_seconds: how long to wait for each.

        Raises:
            CutOff: the response was broken off, or did not come in time.

        """
        while True:
            try:
                seconds = min(idle_seconds, max(0.0, deadline - time.monotonic()))
                item = await asyncio.wait_for(self._items.get(), seconds)
            except TimeoutError:
                raise CutOff from None
            if isinstance(item, CutOff):
                raise item
            if not isinstance(item, bytes):
                return
            yield item
