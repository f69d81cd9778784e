"""OpenAI's routes through the core: the model's name in answers, errors in OpenAI's shape, and streams."""

import json
from typing import Any

import pytest

from proxy.core import Core
from proxy.http import Request

from .event_stream import lines, stream
from .function import Upstream, answer, core_of

CANARY = "the-callers-own-words"
CONVERSATION: dict[str, Any] = {"messages": [{"role": "user", "content": CANARY}]}
USAGE = {"billed_units": {"input_tokens": 3, "output_tokens": 5}}
ANSWER = {
    "id": "c-1",
    "finish_reason": "COMPLETE",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "good day"}]},
    "usage": USAGE,
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message-start", "id": "c-1", "delta": {"message": {"role": "assistant"}}},
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "good"}}}},
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": " day"}}}},
    {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": USAGE}},
]
PATHS = ["/compatibility/v1/chat/completions", "/v1/chat/completions"]


@pytest.fixture
def core(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Core:
    upstream.behave = answer(200, ANSWER)
    more = [{"name": "cohere-embed", "api": "embed", "models": ["text-embedding-3-small"]}]
    named = {"API": "chat_v2", "MODELS": "gpt-4o command-a"}
    return core_of(monkeypatch, upstream, ENDPOINTS=json.dumps(more), **named)


def post(core: Core, path: str = PATHS[0], **fields: Any) -> tuple[int, dict[str, str], bytes]:
    body = json.dumps(fields).encode()
    request = Request("POST", path, {}, {"content-type": "application/json"}, "", 0, lambda _: body)
    response = core.respond(lambda: request, request_id="request-1", remaining_seconds=lambda: 31)
    return response.status, response.headers, b"".join(response.body)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("model", "shown"), [("command-a", "command-a"), (None, "gpt-4o")])
def test_an_answer_names_the_model(core: Core, upstream: Upstream, path: str, model: str | None, shown: str) -> None:
    status, _, body = post(core, path, **CONVERSATION, model=model)
    found = json.loads(body)
    assert (status, found["model"], found["choices"][0]["message"]["content"]) == (200, shown, "good day")
    assert json.loads(upstream.requests[0].partition(b"\r\n\r\n")[2]) == CONVERSATION, "the container gets no model"


def test_embeddings_are_for_the_other_endpoint(core: Core, upstream: Upstream) -> None:
    upstream.behave = answer(200, {"id": "e", "embeddings": [[0.5, 1]], "meta": USAGE})
    status, _, body = post(core, "/v1/embeddings", input="one")
    found = json.loads(body)
    assert (status, found["model"], found["data"][0]["embedding"]) == (200, "text-embedding-3-small", [0.5, 1])
    assert b"POST /endpoints/cohere-embed/invocations " in upstream.requests[0]


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"temperature": 2}, 400, {"code": "invalid_field", "type": "invalid_request_error", "param": "temperature"}),
        ({"model": CANARY}, 404, {"code": "model_not_found", "type": "invalid_request_error", "param": "model"}),
    ],
)
def test_a_refusal(core: Core, upstream: Upstream, fields: dict[str, Any], status: int, error: dict[str, Any]) -> None:
    found, _, body = post(core, **CONVERSATION, **fields)
    shown = json.loads(body)["error"]
    assert shown.pop("message")
    assert (found, shown) == (status, error)
    assert CANARY.encode() not in body
    assert upstream.requests == []


def test_a_failure_that_no_client_may_repeat(core: Core, upstream: Upstream) -> None:
    upstream.behave = answer(200, {"text": "chat v1"})
    status, headers, body = post(core, **CONVERSATION)
    assert (status, headers["x-should-retry"]) == (424, "false")
    assert json.loads(body)["error"]["code"] == "bad_answer"
    assert len(upstream.requests) == 1


def events(body: bytes) -> list[Any]:
    pieces = [one.removeprefix("data: ") for one in body.decode().split("\n\n")[:-1]]
    assert pieces[-1] == "[DONE]"
    return [json.loads(one) for one in pieces[:-1]]


def test_a_stream(core: Core, upstream: Upstream) -> None:
    upstream.behave = stream(lines(*EVENTS))
    options = {"include_usage": True}
    status, headers, body = post(core, **CONVERSATION, stream=True, stream_options=options, model="gpt-4o")
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    found = events(body)
    texts = [choice["delta"].get("content", "") for one in found for choice in one["choices"]]
    assert "".join(texts) == "good day"
    assert {one["model"] for one in found} == {"gpt-4o"}
    assert found[-1]["usage"]["total_tokens"] == 8


def test_a_stream_that_breaks_ends_with_an_error(core: Core, upstream: Upstream) -> None:
    upstream.behave = stream(lines(*EVENTS[:2]))
    status, _, body = post(core, **CONVERSATION, stream=True)
    assert status == 200
    assert events(body)[-1]["error"]["code"] == "connection_lost"
