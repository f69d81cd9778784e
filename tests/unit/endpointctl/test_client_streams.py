"""Any route of the API, whole or as it arrives."""

import json
from typing import Any

import pytest

from endpointctl.failure import Lost, Unreachable
from endpointctl.refused import MayHaveRun, Throttled, WrongRequest
from tests.unit.endpointctl.http_server import HttpServer
from tests.unit.endpointctl.test_client import client

EVENTS: list[Any] = [{"type": "message-start"}, {"type": "content-delta", "delta": "Grüße"}, {"type": "message-end"}]
LINES = b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in EVENTS)


def stream(**fields: Any) -> list[Any]:
    return list(client().stream("/v2/chat", fields))


def test_a_whole_answer_of_any_route(server: HttpServer) -> None:
    server.responses = [(200, {}, b'{"embeddings": [[0.1]]}')]
    assert client().ask("/v1/embed", {"texts": ["a"]}) == {"embeddings": [[0.1]]}
    ((path, headers, body),) = server.requests
    assert (path, body) == ("/v1/embed", {"texts": ["a"]})
    assert "aws4_request" in headers["Authorization"]


def test_a_throttle_of_any_route_is_waited_for(server: HttpServer) -> None:
    server.responses = [(429, {"Retry-After": "0"}, b'{"code": "throttled"}'), (200, {}, b"{}")]
    assert client().ask("/v1/rerank", {}) == {}
    assert len(server.requests) == 2


@pytest.mark.parametrize("content", [LINES, LINES.rstrip(b"\n"), LINES.replace(b"\n", b"\n\n")])
def test_events(server: HttpServer, content: bytes) -> None:
    server.responses = [(200, {"Content-Type": "application/stream+json"}, content)]
    assert stream(messages=[]) == EVENTS
    ((path, headers, body),) = server.requests
    assert (path, body) == ("/v2/chat", {"messages": [], "stream": True})
    assert headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"code": "invalid_field", "message": "stream: must be false"}', WrongRequest),
        (424, b'{"code": "timed_out"}', MayHaveRun),
        (429, b'{"code": "throttled"}', Throttled),
    ],
)
def test_a_refusal_before_the_stream_is_sent_once(
    server: HttpServer, status: int, body: bytes, kind: type[Exception]
) -> None:
    server.responses = [(status, {"Retry-After": "0"}, body)]
    with pytest.raises(kind):
        stream()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"Content-Length": "5000"}, LINES),
        ({"Content-Length": "", "Transfer-Encoding": "chunked"}, b"%x\r\n%b\r\n" % (len(LINES), LINES)),
        ({"Content-Length": "", "Transfer-Encoding": "chunked"}, b"5000\r\n" + LINES),
    ],
)
def test_a_stream_that_ends_early(server: HttpServer, headers: dict[str, str], content: bytes) -> None:
    server.responses = [(200, headers, content)]
    events = client().stream("/v2/chat", {})
    assert [next(events) for _ in EVENTS] == EVENTS
    with pytest.raises(Lost, match="ended"):
        next(events)


def test_a_line_that_is_no_event(server: HttpServer) -> None:
    server.responses = [(200, {}, LINES + b"<html>\n")]
    with pytest.raises(Lost, match="a line that is no JSON"):
        stream()


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Unreachable):
        stream()
