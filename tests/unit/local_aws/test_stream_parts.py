"""How the runtime cuts a container's stream into parts, and how the faults of the conditions end it."""

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from local_aws.faults import FAULTS, FaultKind
from local_aws.server.sagemaker.stream_parts import StreamError, parts, timed

OBJECTS = [json.dumps({"number": number}).encode() + b"\n" for number in range(7)]


def cut(fault: FaultKind | None = None, api: str = "chat", *, server_sent: bool = False) -> list[bytes]:
    return parts(OBJECTS, fault, api, server_sent=server_sent)


def fault(name: str, after: int = 1) -> FaultKind:
    return replace(FAULTS[name], after=after)


def sent(pieces: list[bytes], kind: FaultKind | None, seconds: float = 60.0, pause: float = 0.0) -> list[bytes]:
    """Return what arrives; the code of the error that ends the stream is the last item."""

    async def collect() -> list[bytes]:
        found = []
        try:
            async for part in timed(pieces, kind, time.monotonic() + seconds, pause):
                found.append(part)
        except StreamError as error:
            found.append(error.code.encode())
        return found

    return asyncio.run(collect())


def test_every_third_object_is_cut() -> None:
    found = cut()
    assert b"".join(found) == b"".join(OBJECTS)
    assert len(found) == len(OBJECTS) + 2
    assert [number for number, part in enumerate(found) if not part.endswith(b"\n")] == [2, 6]


def test_parts_of_one_byte_and_of_two_objects() -> None:
    one, two = cut(fault("StreamOfBytes")), cut(fault("StreamOfPairs"))
    assert b"".join(one) == b"".join(two) == b"".join(OBJECTS)
    assert {len(part) for part in one} == {1}
    assert [part.count(b"\n") for part in two] == [2, 2, 2, 1]


@pytest.mark.parametrize("after", [0, 2, 99])
@pytest.mark.parametrize("name", [kind.name for kind in FAULTS.values() if kind.ending or kind.stage == "in_stream"])
def test_a_fault_comes_after_a_number_of_objects(name: str, after: int) -> None:
    found = b"".join(cut(fault(name, after))).splitlines()
    expected = [line for one in OBJECTS[:after] for line in one.splitlines()]
    assert found[: len(expected)] == expected
    extra = 1 if "Error" in name else 0
    assert len(found) == len(expected) + extra


@pytest.mark.parametrize(
    ("api", "server_sent", "end"),
    [
        ("generate", False, {"is_finished": True, "finish_reason": "ERROR", "err": "a fault on demand"}),
        ("chat_v2", False, {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "a fault on demand"}}),
    ],
)
def test_an_error_event_is_that_of_the_api(api: str, server_sent: bool, end: dict[str, Any]) -> None:
    assert json.loads(cut(fault("StreamErrorEvent"), api, server_sent=server_sent)[-1]) == end


def test_an_error_among_server_sent_events_is_one() -> None:
    found = cut(fault("StreamErrorEvent"), "chat_v2", server_sent=True)
    assert found[-1].startswith(b'event: message-end\ndata: {"type": "message-end"')


def test_an_error_object_is_an_error_body() -> None:
    assert json.loads(cut(fault("StreamErrorObject"))[-1]) == {"message": "a fault on demand"}


def test_an_early_end_is_no_error_and_sagemakers_own_is_one() -> None:
    early = fault("StreamEndsEarly")
    assert sent(cut(early), early) == OBJECTS[:1]
    broken = fault("InternalStreamFailure", 2)
    assert sent(cut(broken), broken) == [*OBJECTS[:2], b"InternalStreamFailure"]


def test_a_stream_that_is_cut_off_ends_after_its_objects() -> None:
    cut_off = fault("StreamCutOff", 2)
    assert sent(cut(cut_off), cut_off) == OBJECTS[:2]


def test_a_stream_that_stalls_ends_at_the_limit() -> None:
    stalls = fault("StreamStalls", 2)
    started = time.monotonic()
    assert sent(cut(stalls), stalls, seconds=0.2) == [*OBJECTS[:2], b"ModelStreamError"]
    assert time.monotonic() - started >= 0.2


def test_parts_come_one_by_one_and_a_late_one_is_not_sent() -> None:
    started = time.monotonic()
    assert sent(OBJECTS[:4], None, pause=0.05) == OBJECTS[:4]
    assert time.monotonic() - started >= 0.15
    assert sent(OBJECTS, None, seconds=0.12, pause=0.05)[-1] == b"ModelStreamError"
