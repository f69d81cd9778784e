"""Event streams (``application/vnd.amazon.eventstream``). One of the modules that use MiniStack's private names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
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


def streamed(chunks: AsyncIterator[bytes]) -> Any:  # noqa: ANN401 - MiniStack's marker of a long-lived answer
    """Return a response's body that is sent piece by piece."""

    async def run(send: Callable[[dict[str, Any]], Awaitable[None]], _receive: object) -> None:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return responses.StreamingResponse(run)
