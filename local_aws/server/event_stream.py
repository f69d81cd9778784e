"""Event streams (``application/vnd.amazon.eventstream``). One of the modules that use MiniStack's private names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from ministack.core import responses
from ministack.services import kinesis


def event(name: str, payload: bytes) -> bytes:
    """Return a frame of an event stream (``application/vnd.amazon.eventstream``) with one event."""
    headers = {":event-type": name, ":content-type": "application/octet-stream", ":message-type": "event"}
    return bytes(kinesis._eventstream_message(headers, payload))


def exception_event(name: str, payload: bytes) -> bytes:
    """Return a frame of an event stream with a modelled error, after which the stream ends."""
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return bytes(kinesis._eventstream_message(headers, payload))


def streamed(chunks: AsyncGenerator[bytes, None]) -> Any:  # noqa: ANN401 - MiniStack's marker of a long-lived answer
    """Return a response's body that is sent piece by piece. The chunks are closed when the client disconnects."""

    async def send_all(send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def disconnected(receive: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def run(
        send: Callable[[dict[str, Any]], Awaitable[None]], receive: Callable[[], Awaitable[dict[str, Any]]]
    ) -> None:
        sending, leaving = asyncio.ensure_future(send_all(send)), asyncio.ensure_future(disconnected(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            finished = sending.done()
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await chunks.aclose()
        if finished:
            sending.result()

    return responses.StreamingResponse(run)
