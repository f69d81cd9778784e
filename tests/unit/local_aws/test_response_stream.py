"""A response between an invocation's thread and the loop of the server."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from local_aws.server.front_doors.response_stream import CutOff, Head, ResponseStream

HEAD = Head(200, {})


async def read(
    write: Callable[[ResponseStream], None], *, seconds: float = 10, idle_seconds: float = 10
) -> tuple[Head | None, list[bytes], bool]:
    """Return the head, the chunks, and whether the response was whole, of what another thread writes."""
    stream = ResponseStream()
    threading.Thread(target=write, args=(stream,)).start()
    head, found = await stream.head(), []
    try:
        async for chunk in stream.chunks(time.monotonic() + seconds, idle_seconds):
            found.append(chunk)
    except CutOff:
        return head, found, False
    return head, found, True


def test_a_response_arrives_in_order() -> None:
    def write(stream: ResponseStream) -> None:
        stream.begin(HEAD)
        for number in range(100):
            stream.write(b"%d" % number)
        stream.end()
        stream.end()

    assert asyncio.run(read(write)) == (HEAD, [b"%d" % number for number in range(100)], True)


def test_a_part_is_read_before_the_next_is_written() -> None:
    was_read = threading.Event()

    def write(stream: ResponseStream) -> None:
        stream.begin(HEAD)
        stream.write(b"one")
        if was_read.wait(10):
            stream.write(b"two")
        stream.end()

    async def follow() -> list[bytes]:
        stream, found = ResponseStream(), []
        threading.Thread(target=write, args=(stream,)).start()
        await stream.head()
        async for chunk in stream.chunks(float("inf"), float("inf")):
            found.append(chunk)
            was_read.set()
        return found

    assert asyncio.run(follow()) == [b"one", b"two"]


@pytest.mark.parametrize("end", [ResponseStream.end, ResponseStream.cut_off])
def test_a_response_that_never_begins(end: Callable[[ResponseStream], None]) -> None:
    async def head() -> Head | None:
        stream = ResponseStream()
        threading.Thread(target=end, args=(stream,)).start()
        return await stream.head()

    assert asyncio.run(head()) is None


def test_a_response_that_breaks_off() -> None:
    def write(stream: ResponseStream) -> None:
        stream.begin(HEAD)
        stream.write(b"one")
        stream.cut_off()
        stream.end()

    assert asyncio.run(read(write)) == (HEAD, [b"one"], False)


@pytest.mark.parametrize("limits", [{"seconds": 0.05}, {"idle_seconds": 0.05}])
def test_a_response_that_does_not_come_in_time(limits: dict[str, float]) -> None:
    def write(stream: ResponseStream) -> None:
        stream.begin(HEAD)
        stream.write(b"one")

    assert asyncio.run(read(write, **limits)) == (HEAD, [b"one"], False)
