"""In front of a chat container: generate requests become chat requests, and their answers generations."""

import json
import threading
import time
from importlib import import_module
from typing import Any

import pytest

from proxy.errors import ProxyError
from proxy.routes import schema
from proxy.routes.request import FieldReader
from proxy.routes.table import GENERATE
from proxy.upstream.call import Call, Cancelled
from proxy.upstream.client import IDLE_SECONDS

from .function import CAPS, Behaviour, Function, Upstream, answer, fresh_handler, read_request

CHAT = {"text": "a chat answer", "generation_id": "g-1", "finish_reason": "COMPLETE", "response_id": "r-1"}


@pytest.fixture
def chat(function: Function, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Function:
    """The function as it is deployed in front of a chat package."""
    monkeypatch.setenv("API", "chat")
    upstream.behave = answer(200, CHAT)
    return Function(fresh_handler(monkeypatch).handler)


def sent(upstream: Upstream) -> list[dict[str, Any]]:
    return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in upstream.requests]


def test_a_request_and_its_answer(chat: Function, upstream: Upstream) -> None:
    wanted = {"max_tokens": 9, "temperature": 0.5, "k": 3, "p": 0.7, "stop_sequences": ["."], "seed": 4}
    status, _, body = chat.post({"prompt": "hello", **wanted, "return_likelihoods": "NONE", "truncate": "NONE"})
    assert status == 200
    assert sent(upstream) == [{"message": "hello", **wanted}]
    generation = {"text": "a chat answer", "id": "g-1", "finish_reason": "COMPLETE"}
    assert body == {"id": "g-1", "generations": [generation], "prompt": "hello"}


def test_each_generation_is_a_request_of_its_own_and_has_its_own_seed(chat: Function, upstream: Upstream) -> None:
    status, _, body = chat.post({"prompt": "hello", "num_generations": 3, "seed": 10})
    assert (status, len(body["generations"])) == (200, 3)
    assert sorted(one["seed"] for one in sent(upstream)) == [10, 11, 12]
    assert "num_generations" not in sent(upstream)[0]


def by_seed(behaviours: dict[int, Behaviour]) -> Behaviour:
    """Behave to each generation's request as its seed says."""

    def behave(connection: Any, request: bytes) -> None:
        behaviours[json.loads(request.partition(b"\r\n\r\n")[2])["seed"]](connection, request)

    return behave


THROTTLED = answer(400, {"message": None}, error="ThrottlingException")
ANSWERED = answer(200, CHAT)


@pytest.mark.parametrize(
    ("behaviours", "status", "code"),
    [
        ({0: ANSWERED, 1: answer(500, {"Message": ""}, error="InternalFailure")}, 424, "sagemaker_failed"),
        ({0: THROTTLED, 1: THROTTLED}, 429, "throttled"),
        ({0: THROTTLED, 1: ANSWERED}, 424, "partial_generations"),
        ({0: ANSWERED, 1: THROTTLED}, 424, "partial_generations"),
        ({0: THROTTLED, 1: answer(500, {"Message": ""}, error="InternalFailure")}, 424, "sagemaker_failed"),
    ],
)
def test_only_generations_that_were_all_refused_may_be_retried(
    chat: Function, upstream: Upstream, behaviours: dict[int, Behaviour], status: int, code: str
) -> None:
    upstream.behave = by_seed(behaviours)
    found, headers, body = chat.post({"prompt": "hello", "num_generations": 2, "seed": 0})
    assert (found, body["code"], "retry-after" in headers) == (status, code, status == 429)


def test_nothing_is_sent_after_the_response(
    chat: Function, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One generation waits for its second attempt when another one ends the request."""
    waiting = threading.Event()
    original = Call.pause

    def pause(call: Call, seconds: float) -> None:
        waiting.set()
        original(call, 0.3)

    def fail_when_the_other_waits(connection: Any, request: bytes) -> None:
        assert waiting.wait(5)
        answer(500, {"Message": ""}, error="InternalFailure")(connection, request)

    monkeypatch.setattr(Call, "pause", pause)
    upstream.behave = by_seed({0: THROTTLED, 1: fail_when_the_other_waits})
    before = set(threading.enumerate())
    assert chat.post({"prompt": "hello", "num_generations": 2, "seed": 0})[2]["code"] == "sagemaker_failed"
    for worker in set(threading.enumerate()) - before:
        worker.join(5)
    assert sorted(one["seed"] for one in sent(upstream)) == [0, 1]


def test_a_cancelled_call_begins_no_attempt() -> None:
    call = Call("e", str, time.monotonic() + 5)
    call.begin_attempt()
    call.cancel()
    for step in (call.begin_attempt, lambda: call.pause(60)):
        with pytest.raises(Cancelled):
            step()
    assert call.attempts == 1


EXAMPLES: dict[str, Any] = {
    "prompt": "hello",
    "max_tokens": 7,
    "temperature": 0.5,
    "k": 3,
    "p": 0.7,
    "num_generations": 2,
    "stop_sequences": ["."],
    "end_sequences": ["."],
    "return_likelihoods": "GENERATION",
    "truncate": "START",
    "seed": 4,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "logit_bias": {"1": 2},
    "preset": "my-preset",
    "prompt_vars": {},
    "stream": False,
}
FIELDS = [name for name in schema.read(GENERATE.schema, dict.fromkeys(CAPS, 1000))["properties"] if name != "model"]
RENAMED = {"prompt": "message"}
# The proxy does these itself: one request for each generation, and no stream. An empty prompt_vars says nothing.
OF_THE_PROXY = {"stream": {"generate", "chat"}, "prompt_vars": {"generate", "chat"}, "num_generations": {"chat"}}


@pytest.mark.parametrize("api", GENERATE.translations)
@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_sent_or_refused_by_name(api: str, name: str) -> None:
    """A field that the schema gains fails here until each container gets it, or is known not to take it."""
    translation = import_module(f"proxy.dialects.{GENERATE.translations[api]}")
    fields = FieldReader(GENERATE, dict.fromkeys(CAPS, 1000)).read(
        json.dumps({"prompt": "hello", name: EXAMPLES[name]}).encode()
    )
    refused_by = ""
    bodies: list[dict[str, Any]] = []
    try:
        bodies = [json.loads(body) for body in translation.requests(fields)]
    except ProxyError as refused:
        refused_by = refused.message
    if not bodies:
        assert refused_by.startswith(f"{name}: ")
    elif api in OF_THE_PROXY.get(name, ()):
        assert len(bodies) == (2 if name == "num_generations" else 1)
        assert name not in bodies[0] or name == "stream"
    else:
        assert bodies[0][RENAMED.get(name, name) if api == "chat" else name] == EXAMPLES[name]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("end_sequences", ["."]),
        ("logit_bias", {"1": 2}),
        ("preset", "x"),
        ("return_likelihoods", "GENERATION"),
        ("truncate", "END"),
        ("temperature", 1.5),
        ("max_tokens", 0),
    ],
)
def test_what_chat_has_no_counterpart_for_is_refused_by_name(
    chat: Function, upstream: Upstream, field: str, value: Any
) -> None:
    more = {"return_likelihoods": "ALL"} if field == "max_tokens" else {}
    status, _, body = chat.post({"prompt": "hello", field: value, **more})
    assert (status, body["code"]) == (400, "invalid_field")
    assert body["message"].split(":")[0] in (field, *more)
    assert "the model answers chat" in body["message"]
    assert upstream.requests == []


@pytest.mark.parametrize("content", [b"[]", b'{"generations": []}', b'{"text": 1}', b'{"text": null}', b"no", b"\xff"])
def test_an_answer_that_is_no_chat_answer(chat: Function, upstream: Upstream, content: bytes) -> None:
    upstream.behave = answer(200, content)
    assert chat.post({"prompt": "hello"})[2]["code"] == "bad_answer"


def test_half_a_surrogate_pair_stays_the_escape_it_was(chat: Function, upstream: Upstream) -> None:
    upstream.behave = answer(200, b'{"text": "a \\ud83d b"}')
    status, _, body = chat.post({"prompt": "hello"})
    assert (status, body["generations"][0]["text"]) == (200, "a \ud83d b")
    # Clients read the id, which this container does not tell.
    assert len(body["id"]) == 32


def test_no_connection_that_was_idle_is_used_again_while_others_were_busy(
    chat: Function, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three generations open three connections; single requests then keep one of them fresh."""
    ports: list[int] = []
    together = threading.Barrier(3)

    def stay_open(connection: Any, request: bytes) -> None:
        content = json.dumps(CHAT).encode()
        while request:
            ports.append(connection.getpeername()[1])
            if b'"seed"' in request:
                together.wait(10)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
            request = read_request(connection)

    upstream.behave = stay_open
    three, one = {"prompt": "hello", "num_generations": 3, "seed": 1}, {"prompt": "hello"}
    now = [time.time()]
    monkeypatch.setattr("proxy.upstream.client.time.time", lambda: now[0])
    assert chat.post(three)[0] == 200
    for _ in range(3):
        now[0] += IDLE_SECONDS - 5
        assert chat.post(one)[0] == 200
    assert len(set(ports)) == 3
    assert chat.post(three)[0] == 200
    assert len(set(ports)) == 6
