"""Streams through the core: in order, as they arrive, and never without an end that says how it ended."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.core import Core
from proxy.http import Request, Response

from .event_stream import broken, lines, part, stream, wait
from .function import Upstream, answer, core_of

CANARY = "the-callers-own-words"
PIECES = [{"text": text, "is_finished": False} for text in (" one", " two", " three")]
END = {
    "is_finished": True,
    "finish_reason": "COMPLETE",
    "response": {"id": "1", "generations": [{"text": " one two three"}], "prompt": CANARY},
}


@pytest.fixture
def core(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Core:
    return core_of(monkeypatch, upstream)


def ask(core: Core, *, seconds: float = 31, **fields: Any) -> Response:
    body = json.dumps({"prompt": CANARY, "stream": True, **fields}).encode()
    headers = {"content-type": "application/json"}
    request = Request("POST", "/v1/generate", {}, headers, "", 0, lambda _: body)
    return core.respond(lambda: request, request_id="request-1", remaining_seconds=lambda: seconds)


def objects(response: Response) -> list[Any]:
    return [json.loads(line) for line in b"".join(response.body).splitlines()]


def log(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_stream(core: Core, upstream: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    upstream.behave = stream(lines(*PIECES, END))
    response = ask(core)
    assert (response.status, response.headers["content-type"]) == (200, "application/stream+json")
    assert [one.get("text") for one in objects(response)] == [" one", " two", " three", None]
    (request,) = upstream.requests
    assert request.startswith(b"POST /endpoints/cohere-test/invocations-response-stream ")
    assert json.loads(request.partition(b"\r\n\r\n")[2])["stream"] is True
    written = capsys.readouterr().out
    assert CANARY not in written
    line = json.loads(written)
    assert (line["status"], line["attempts"], line["StreamFailures"], line["ServerErrors"]) == (200, 1, 0, 0)
    assert line["TimeToFirstEvent"] <= line["UpstreamLatency"] <= line["duration_ms"]


def test_each_piece_leaves_before_the_next_one_comes(core: Core, upstream: Upstream) -> None:
    gates = [threading.Event() for _ in PIECES]
    steps: list[Any] = []
    for gate, framed in zip(gates, lines(*PIECES), strict=True):
        steps += [framed, wait(gate)]
    upstream.behave = stream([*steps, *lines(END)])
    body: Iterator[bytes] = ask(core).body
    for gate, piece in zip(gates, PIECES, strict=True):
        # The next one is sent only when this one was received.
        assert json.loads(next(body))["text"] == piece["text"]
        gate.set()
    assert [json.loads(one)["is_finished"] for one in body] == [True]


def test_objects_cut_anywhere_and_several_in_one_part(core: Core, upstream: Upstream) -> None:
    whole = b"".join(json.dumps(one).encode() + b"\n" for one in (*PIECES, END))
    upstream.behave = stream([part(whole[at : at + 7]) for at in range(0, len(whole), 7)])
    cut = objects(ask(core))
    upstream.behave = stream([part(whole)])
    assert cut == objects(ask(core)) != []


@pytest.mark.parametrize(
    ("steps", "cut", "code"),
    [
        (lines(*PIECES), False, "connection_lost"),
        (lines(*PIECES), True, "connection_lost"),
        ([*lines(*PIECES), part(b'{"text": " fo')], False, "connection_lost"),
        ([*lines(*PIECES), part(b"nonsense {}")], False, "bad_answer"),
        ([*lines(*PIECES), *lines({"unknown": 1})], False, "bad_answer"),
        (
            [*lines(*PIECES), broken("ModelStreamError", {"Message": CANARY, "ErrorCode": "StreamBroken"})],
            False,
            "model_failed",
        ),
        ([*lines(*PIECES), broken("InternalStreamFailure", {"Message": CANARY})], False, "sagemaker_failed"),
    ],
)
def test_a_stream_that_does_not_reach_its_end_says_so(
    core: Core, upstream: Upstream, capsys: pytest.CaptureFixture[str], steps: Any, cut: bool, code: str
) -> None:
    upstream.behave = stream(steps, cut=cut)
    response = ask(core)
    assert response.status == 200
    *pieces, last = objects(response)
    assert [one["text"] for one in pieces] == [one["text"] for one in PIECES]
    assert (last["is_finished"], last["finish_reason"]) == (True, "ERROR")
    written = capsys.readouterr().out
    assert CANARY not in json.dumps(last) + written
    line = json.loads(written)
    assert (line["level"], line["status"], line["code"]) == ("ERROR", 200, code)
    assert (line["StreamFailures"], line["ServerErrors"], line["ClientErrors"]) == (1, 1, 0)
    assert len(upstream.requests) == 1, "a generation must not run twice"


def test_a_stream_that_stalls_ends_at_the_deadline(
    core: Core, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    never = threading.Event()
    upstream.behave = stream([*lines(*PIECES), wait(never)])
    found = objects(ask(core, seconds=1.7))
    never.set()
    assert [one["is_finished"] for one in found] == [False, False, False, True]
    assert log(capsys)["code"] == "timed_out"


@pytest.mark.parametrize(
    ("behave", "status", "code", "attempts"),
    [
        (answer(400, {"Message": ""}, error="ThrottlingException"), 429, "throttled", 2),
        (answer(400, {"Message": ""}, error="ValidationError"), 424, "endpoint_unavailable", 1),
        (answer(500, {"Message": ""}, error="InternalFailure"), 424, "sagemaker_failed", 1),
        (stream([]), 424, "bad_answer", 1),
        (stream([broken("ModelStreamError", {"Message": CANARY})]), 424, "model_failed", 1),
        (stream([], cut=True), 424, "connection_lost", 1),
    ],
)
def test_what_fails_before_the_first_object_keeps_its_status(
    core: Core,
    upstream: Upstream,
    capsys: pytest.CaptureFixture[str],
    behave: Any,
    status: int,
    code: str,
    attempts: int,
) -> None:
    upstream.behave = behave
    response = ask(core)
    (body,) = objects(response)
    assert (response.status, body["code"]) == (status, code)
    assert response.headers["content-type"] == "application/json"
    assert ("retry-after" in response.headers) == (status == 429)
    assert CANARY not in json.dumps(body)
    assert len(upstream.requests) == attempts
    assert log(capsys)["status"] == status


@pytest.mark.parametrize("pieces", [0, 1])
def test_a_caller_that_leaves_ends_the_upstream_connection(
    core: Core, upstream: Upstream, capsys: pytest.CaptureFixture[str], pieces: int
) -> None:
    """Also one that has read nothing yet."""
    left, ended = threading.Event(), threading.Event()

    def until_it_breaks(connection: Any, request: bytes) -> None:
        try:
            stream([*lines(PIECES[0]), wait(left), *lines(*PIECES * 20_000)])(connection, request)
        except OSError:
            ended.set()

    upstream.behave = until_it_breaks
    body: Any = ask(core).body
    for _ in range(pieces):
        next(body)
    body.close()
    left.set()
    assert ended.wait(10)
    assert log(capsys)["code"] == "caller_left"


def test_a_defect_in_mid_stream_is_told_without_its_text(
    core: Core, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError(CANARY)

    upstream.behave = stream(lines(*PIECES, END))
    response = ask(core)
    monkeypatch.setattr("proxy.dialects.cohere_v1.generate.GenerateStream.events", broken)
    last = objects(response)[-1]
    written = capsys.readouterr().out
    assert (last["finish_reason"], json.loads(written)["code"]) == ("ERROR", "proxy_failed")
    assert CANARY not in json.dumps(last) + written


def test_the_next_request_is_served_after_a_stream_was_left(core: Core, upstream: Upstream) -> None:
    upstream.behave = stream(lines(PIECES[0]))
    body: Any = ask(core).body
    next(body)
    body.close()
    upstream.behave = stream(lines(*PIECES, END))
    assert len(objects(ask(core))) == 4


def test_several_generations_are_not_streamed(core: Core, upstream: Upstream) -> None:
    assert ask(core, num_generations=9).status == 400
    assert upstream.requests == []


def test_without_the_option_a_stream_is_refused_by_name(core: Core, upstream: Upstream) -> None:
    core._settings.__dict__["stream_timeout_seconds"] = 0
    response = ask(core)
    (body,) = objects(response)
    assert (response.status, body["code"]) == (400, "invalid_field")
    assert body["message"].startswith("stream: must be false or left out: ")
    assert upstream.requests == []
