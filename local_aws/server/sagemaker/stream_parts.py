"""The parts of a container's stream, as SageMaker sends them: cut anywhere, and with the faults of the conditions."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence

from local_aws.container import streams
from local_aws.faults import FaultKind

_CUT = 3
"""Every third object is sent in two parts, because SageMaker's parts end anywhere and clients must accept that."""


class StreamError(Exception):
    """A stream ends with an error event.

    Attributes:
        code: the error's name in botocore's model.
        content: the event's payload.

    """

    def __init__(self, code: str, content: bytes) -> None:
        super().__init__(code)
        self.code = code
        self.content = content


def parts(objects: Sequence[bytes], fault: FaultKind | None, api: str, *, server_sent: bool) -> list[bytes]:
    """Return the parts of a stream, up to the error or the early end that a fault causes.

    Args:
        objects: the container's objects, as the bytes of the stream.
        fault: the fault; None for none.
        api: the API of the package's container.
        server_sent: whether the objects are server-sent events.

    """
    if fault and (fault.ending or fault.stage == "in_stream"):
        objects = [*objects[: fault.after], *_error(fault, api, server_sent=server_sent)]
    if fault and fault.cut == "bytes":
        return [bytes([one]) for one in b"".join(objects)]
    if fault and fault.cut == "pairs":
        return [b"".join(objects[at : at + 2]) for at in range(0, len(objects), 2)]
    return [part for number, one in enumerate(objects, start=1) for part in _halves(one, cut=number % _CUT == 0)]


async def timed(parts: Sequence[bytes], fault: FaultKind | None, ends: float, pause: float) -> AsyncIterator[bytes]:
    """Yield the parts at their times.

    Args:
        parts: the parts.
        fault: the fault; None for none.
        ends: when the stream has to be complete, by ``time.monotonic``.
        pause: how long to wait between two parts, in seconds.

    Raises:
        StreamError: the fault, or the stream is not complete in time.

    """
    for number, part in enumerate(parts):
        await asyncio.sleep(min(pause if number else 0, max(0, ends - time.monotonic())))
        if time.monotonic() >= ends:
            raise _too_long()
        yield part
    if fault and fault.ending == "stalled":
        await asyncio.sleep(max(0, ends - time.monotonic()))
        raise _too_long()
    if fault and fault.stage == "in_stream":
        raise _failure(fault.code or "", fault.message, fault.stream_error_code)


def _too_long() -> StreamError:
    return _failure("ModelStreamError", "The stream took too long.", "ModelInvocationTimeExceeded")


def _failure(name: str, message: str | None, code: str | None) -> StreamError:
    content = {"Message": message, "ErrorCode": code}
    return StreamError(name, json.dumps({key: value for key, value in content.items() if value is not None}).encode())


def _error(fault: FaultKind, api: str, *, server_sent: bool) -> list[bytes]:
    """Return what the container writes when it fails during a stream."""
    if fault.ending == "error_event":
        event = streams.error_event(api, fault.message or "")
        return list(streams.written([event], server_sent=server_sent))
    return [json.dumps({"message": fault.message}).encode() + b"\n"] if fault.ending == "error_object" else []


def _halves(one: bytes, *, cut: bool) -> list[bytes]:
    middle = len(one) // 2
    return [one[:middle], one[middle:]] if cut else [one]
