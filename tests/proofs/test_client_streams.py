"""How the clients read streams, whole and broken. The proxy's framing and its last events rely on it."""

from typing import Any

import pytest

from tests.support import dialects
from tests.support.clients import Clients
from tests.support.scripted import JSON, SSE, Answer, ScriptedServer

EVENTS = dialects.v2_events()
FIRST = EVENTS[:3]
V2_STREAMS = (
    ("newest", "cohere_sdk.v2_chat_stream"),
    ("oldest", "cohere_sdk.v2_chat_stream"),
    ("node", "node.v2_chat_stream"),
)
V1_STREAMS = (
    ("newest", "cohere_sdk.chat_stream"),
    ("newest", "cohere_sdk.generate_stream"),
    ("oldest", "cohere_sdk.chat_stream"),
    ("cohere4", "cohere4_sdk.chat_stream"),
    ("node", "node.chat_stream"),
)
OPENAI_STREAMS = (("newest", "openai_sdk.chat_stream"), ("oldest", "openai_sdk.chat_stream"))
WORDS = [{"event_type": "text-generation", "text": text, "is_finished": False} for text in ("o", "k")]
ZERO = {"input_tokens": 0, "output_tokens": 0}
each_v2 = pytest.mark.parametrize(("environment", "scenario"), V2_STREAMS)
each_v1 = pytest.mark.parametrize(("environment", "scenario"), V1_STREAMS)
each_openai = pytest.mark.parametrize(("environment", "scenario"), OPENAI_STREAMS)


def v2_end(reason: str, **more: Any) -> dict[str, Any]:
    return {"type": "message-end", "id": "c", "delta": {"finish_reason": reason, **more}}


def v1_end(reason: str) -> dict[str, Any]:
    response = {"id": "g", "text": "o", "generations": []}
    return {"event_type": "stream-end", "is_finished": True, "finish_reason": reason, "response": response}


def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
    return {"id": "o", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}


@each_v2
@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT"])
def test_v2_carries_a_failure_in_its_last_event(
    reason: str, environment: str, scenario: str, clients: Clients, server: ScriptedServer
) -> None:
    server.reset(Answer.events(*FIRST, v2_end(reason, error="timed_out"), done=True))
    delta = clients[environment].call(scenario, server.url).unwrap()[-1]["delta"]
    assert delta.get("finish_reason", delta.get("finishReason")) == reason
    assert delta["error"] == "timed_out"


@each_v2
@pytest.mark.parametrize("done", [False, True])
def test_v2_needs_no_done(
    done: bool, environment: str, scenario: str, clients: Clients, server: ScriptedServer
) -> None:
    server.reset(Answer.events(*EVENTS, done=done))
    assert len(clients[environment].call(scenario, server.url).unwrap()) == len(EVENTS)


@each_v2
def test_v2_reads_event_lines_as_well(
    environment: str, scenario: str, clients: Clients, server: ScriptedServer
) -> None:
    pieces = Answer.events(*EVENTS).pieces
    named = tuple(
        b"event: %s\n%s" % (event["type"].encode(), piece) for event, piece in zip(EVENTS, pieces, strict=True)
    )
    server.reset(Answer(200, named, {}, SSE))
    assert len(clients[environment].call(scenario, server.url).unwrap()) == len(EVENTS)


@pytest.mark.parametrize("environment", ["newest", "oldest"])
def test_v2_insists_on_the_content_type(environment: str, clients: Clients, server: ScriptedServer) -> None:
    server.reset(Answer(200, Answer.events(*EVENTS).pieces, {}, JSON))
    assert clients[environment].call("cohere_sdk.v2_chat_stream", server.url).failure()["class"] == "SSEError"


@each_v2
def test_v2_hides_a_stream_that_ends_early(
    environment: str, scenario: str, clients: Clients, server: ScriptedServer
) -> None:
    """No exception: the caller sees it by the missing ``message-end`` only."""
    server.reset(Answer.events(*EVENTS[:-1]))
    assert clients[environment].call(scenario, server.url).unwrap()[-1]["type"] == "content-end"


@pytest.mark.parametrize(("environment", "scenario"), [*V2_STREAMS, *V1_STREAMS, *OPENAI_STREAMS])
def test_a_connection_that_drops_raises_and_is_not_repeated(
    environment: str, scenario: str, clients: Clients, server: ScriptedServer
) -> None:
    if scenario.startswith("openai"):
        server.reset(Answer.events(chunk({"content": "o"}), drops=True))
    elif "v2" in scenario:
        server.reset(Answer.events(*FIRST, drops=True))
    else:
        server.reset(Answer.events(*WORDS, content_type=JSON, drops=True))
    result = clients[environment].call(scenario, server.url)
    assert result.events
    assert result.failure()["status_code"] is None
    assert len(server.requests) == 1


@each_v1
def test_v1_carries_a_failure_in_its_last_event(
    environment: str, scenario: str, clients: Clients, server: ScriptedServer
) -> None:
    server.reset(Answer.events(*WORDS, v1_end("ERROR"), content_type=JSON))
    last = clients[environment].call(scenario, server.url).unwrap()[-1]
    assert last.get("event_type", last.get("eventType")) == "stream-end"
    if environment != "cohere4":
        assert last.get("finish_reason", last.get("finishReason")) == "ERROR"


def test_version_4_needs_the_generations_in_the_last_event(clients: Clients, server: ScriptedServer) -> None:
    end = v1_end("ERROR")
    server.reset(Answer.events(*WORDS, end, content_type=JSON))
    assert len(clients["cohere4"].call("cohere4_sdk.generate_stream", server.url).unwrap()) == 2
    del end["response"]["generations"]
    server.reset(Answer.events(*WORDS, end, content_type=JSON))
    assert clients["cohere4"].call("cohere4_sdk.generate_stream", server.url).failure()["class"] == "KeyError"


@pytest.mark.parametrize("environment", ["newest", "oldest"])
def test_v1_drops_what_is_no_line_of_json(environment: str, clients: Clients, server: ScriptedServer) -> None:
    """Server-sent events therefore end as a stream without events: v1 has to answer with lines of JSON."""
    server.reset(Answer.events(*WORDS, v1_end("COMPLETE"), content_type=SSE))
    assert clients[environment].call("cohere_sdk.chat_stream", server.url).unwrap() == []


@each_openai
@pytest.mark.parametrize("done", [False, True])
def test_openai_needs_no_done(
    done: bool, environment: str, scenario: str, clients: Clients, server: ScriptedServer
) -> None:
    server.reset(Answer.events(chunk({"content": "o"}), chunk({}, "stop"), done=done))
    assert len(clients[environment].call(scenario, server.url).unwrap()) == 2


@each_openai
def test_openai_raises_an_error_event(
    environment: str, scenario: str, clients: Clients, server: ScriptedServer
) -> None:
    error = {"message": "the generation took too long", "type": "server_error", "code": "timed_out", "param": None}
    server.reset(Answer.events(chunk({"content": "o"}), {"error": error}, done=True))
    result = clients[environment].call(scenario, server.url)
    assert len(result.events) == 1
    assert result.failure()["class"] == "APIError"
    assert len(server.requests) == 1


def test_langchain_needs_the_usage_of_a_stream_that_failed(clients: Clients, server: ScriptedServer) -> None:
    end = v2_end("TIMEOUT", error="timed_out", usage={"billed_units": ZERO, "tokens": ZERO})
    server.reset(Answer.events(*FIRST, end, done=True))
    last = clients["frameworks"].call("langchain.stream", server.url).unwrap()[-1]
    assert last["additional_kwargs"]["finish_reason"] == "TIMEOUT"
    del end["delta"]["usage"]
    server.reset(Answer.events(*FIRST, end, done=True))
    assert clients["frameworks"].call("langchain.stream", server.url).failure()["class"] == "AttributeError"


def test_litellm_reads_v2_as_lines_of_json_only(clients: Clients, server: ScriptedServer) -> None:
    """It says so: it accepts ``application/json``, where Cohere's SDKs accept anything or server-sent events."""
    for content_type, works in ((JSON, True), (SSE, False)):
        server.reset(Answer.events(*EVENTS, content_type=content_type))
        result = clients["frameworks"].call("litellm_sdk.stream", server.url)
        assert (result.error is None) == works
        assert server.requests[-1].headers["accept"] == "application/json"


def test_what_cohere_accepts_in_v2(clients: Clients, server: ScriptedServer) -> None:
    accepted = []
    for environment, scenario in V2_STREAMS:
        server.reset()
        clients[environment].call(scenario, server.url).unwrap()
        accepted.append(server.requests[-1].headers["accept"])
    assert accepted == ["*/*", "*/*", "text/event-stream"]


def test_the_newest_client_leaves_a_stream(clients: Clients, server: ScriptedServer) -> None:
    server.reset()
    assert clients["newest"].call("cohere_sdk.v2_chat_disconnects", server.url).unwrap()["type"] == "message-start"
    assert len(server.requests) == 1
