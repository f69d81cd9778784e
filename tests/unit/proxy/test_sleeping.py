"""An endpoint that sleeps: its callers get 503, the function that wakes it is asked once, and nothing else changes."""

import json
import sys
from typing import Any

import pytest

from proxy import settings
from proxy.core import Core
from proxy.http import Request

from .function import SETTINGS, Upstream, answer, set_sdk

FUNCTION = "cohere-test-power"
AWAY = answer(400, {"Message": "Endpoint cohere-test of account 111122223333 not found."}, error="ValidationError")
MORE = json.dumps([{"name": "other", "api": "generate", "models": ["other"]}])


def core_of(monkeypatch: pytest.MonkeyPatch, upstream: Upstream, **variables: str) -> Core:
    set_sdk(monkeypatch, upstream)
    upstream.behave = AWAY
    return Core(settings.read({**SETTINGS, "STREAM_TIMEOUT_SECONDS": "30", **variables}))


@pytest.fixture
def core(upstream: Upstream, waker: Upstream, monkeypatch: pytest.MonkeyPatch) -> Core:
    """A proxy whose requests wake the endpoint."""
    assert waker
    return core_of(monkeypatch, upstream, WAKE_SECONDS="900", WAKE_FUNCTION=FUNCTION, ENDPOINTS=MORE)


def ask(core: Core, path: str = "/v1/generate", **fields: Any) -> tuple[int, dict[str, str], Any]:
    body = json.dumps({"prompt": "hello", **fields}).encode()
    request = Request("POST", path, {}, {"content-type": "application/json"}, "", 0, lambda _: body)
    response = core.respond(lambda: request, request_id="request-1", remaining_seconds=lambda: 31)
    return response.status, response.headers, json.loads(b"".join(response.body))


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_wakes_it_and_is_told_when_to_come_back(
    core: Core, waker: Upstream, capsys: pytest.CaptureFixture[str], stream: bool
) -> None:
    status, headers, body = ask(core, stream=stream)
    assert (status, body["code"], headers["retry-after"]) == (503, "asleep", "900")
    assert body["message"] == "the model sleeps and was asked to wake; try again then"
    (request,) = waker.requests
    head, _, sent = request.partition(b"\r\n\r\n")
    assert head.startswith(f"POST /2015-03-31/functions/{FUNCTION}/invocations ".encode())
    assert b"x-amz-invocation-type: event" in head.lower()
    assert json.loads(sent) == {"action": "wake", "by": "request"}
    (line,) = lines(capsys)
    assert (line["level"], line["wake"], line["Asleep"], line["ServerErrors"]) == ("INFO", "asked", 1, 0)


def test_it_is_asked_once_a_minute_and_the_time_left_shrinks(
    core: Core, waker: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_800_000_000.0]
    monkeypatch.setattr("proxy.upstream.sleeping.time.time", lambda: now[0])
    found = []
    for seconds in (0, 30, 29, 2, 600, 300, 1000):
        now[0] += seconds
        found.append((ask(core)[1]["retry-after"], len(waker.requests)))
    assert found == [("900", 1), ("870", 1), ("841", 1), ("839", 2), ("239", 3), ("30", 4), ("900", 5)]


def test_a_clock_that_was_set_back_stops_nothing(core: Core, waker: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_800_000_000.0]
    monkeypatch.setattr("proxy.upstream.sleeping.time.time", lambda: now[0])
    ask(core)
    now[0] -= 86_400
    assert ask(core)[1]["retry-after"] == "900"
    assert len(waker.requests) == 2


def test_without_permission_the_operator_is_told(
    core: Core, waker: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    waker.behave = answer(403, {"Message": "User 111122223333 may not"}, error="AccessDeniedException")
    for _ in range(2):  # the next request asks again
        status, headers, body = ask(core)
        assert (status, body["code"], headers["retry-after"]) == (503, "asleep", "900")
        assert body["message"] == "the model sleeps and could not be woken; report it to the operator"
    assert len(waker.requests) == 2
    line = lines(capsys)[0]
    assert (line["level"], line["cause"], line["ServerErrors"]) == ("ERROR", "AccessDeniedException", 1)


def test_a_function_that_cannot_be_reached(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:1")
    core = core_of(monkeypatch, upstream, WAKE_SECONDS="900", WAKE_FUNCTION=FUNCTION)
    assert ask(core)[2]["code"] == "asleep"
    assert lines(capsys)[0]["cause"] == "EndpointConnectionError"


def test_where_requests_wake_nothing(upstream: Upstream, waker: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    core = core_of(monkeypatch, upstream, WAKE_SECONDS="1200")
    status, headers, body = ask(core)
    assert (status, body["code"], headers["retry-after"]) == (503, "asleep", "1200")
    assert body["message"] == "the model sleeps, and no request wakes it; ask the operator when it is awake"
    assert waker.requests == []


def test_another_endpoint_behind_the_same_url_is_not_this_ones_sleep(core: Core, waker: Upstream) -> None:
    assert ask(core, model="other")[2]["code"] == "endpoint_unavailable"
    assert waker.requests == []


def test_an_endpoint_that_never_sleeps_is_away(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "proxy.upstream.sleeping", raising=False)
    assert ask(core_of(monkeypatch, upstream))[2]["code"] == "endpoint_unavailable"
    assert "proxy.upstream.sleeping" not in sys.modules


@pytest.mark.parametrize(
    "behave",
    [
        answer(400, {"Message": "Variant x not found for Request"}, error="AccessDeniedException"),
        answer(500, {"Message": "x"}, error="InternalFailure"),
    ],
)
def test_other_failures_of_an_endpoint_that_sleeps_at_times(
    core: Core, upstream: Upstream, waker: Upstream, behave: Any
) -> None:
    upstream.behave = behave
    assert ask(core)[0] == 424
    assert waker.requests == []
