"""Chat v1 and generate's streams: what a container of the same dialect gets and answers passes as it is."""

import json
from typing import Any

import pytest

from proxy.dialects.cohere_v1 import chat, generate, generate_on_chat
from proxy.errors import ProxyError
from proxy.routes.table import CHAT, GENERATE

from .dialects import CHAT_ANSWER, chat_stream, reader, refusal, run, text
from .function import Function, Upstream, answer, fresh_handler

read = reader(CHAT)
CALL = {"name": "weather", "parameters": {"town": "Bern", "days": 2}}
RESULTS = [{"call": CALL, "outputs": [{"sky": "blue", "deep": {"er": [1, None]}}]}]
FIELDS: dict[str, Any] = {
    "message": "hello",
    "stream": True,
    "preamble": "Be brief.",
    "chat_history": [
        {"role": "SYSTEM", "message": "s"},
        {"role": "USER", "message": "u"},
        {"role": "CHATBOT", "message": "", "tool_calls": [CALL]},
        {"role": "TOOL", "tool_results": RESULTS},
    ],
    "prompt_truncation": "AUTO_PRESERVE_ORDER",
    "search_queries_only": True,
    "documents": [{"id": "d", "text": "t", "_excludes": ["x"]}],
    "citation_quality": "ACCURATE",
    "temperature": 0.5,
    "max_tokens": 9,
    "max_input_tokens": 90,
    "k": 3,
    "p": 0.7,
    "seed": 18446744073709551615,
    "stop_sequences": ["."],
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "raw_prompting": True,
    "return_prompt": True,
    "tools": [
        {
            "name": "weather",
            "description": "d",
            "parameter_definitions": {"town": {"type": "str", "description": "t", "required": True}},
        }
    ],
    "tool_results": RESULTS,
    "force_single_step": True,
    "response_format": {"type": "json_object", "schema": {"type": "object"}},
    "safety_mode": "NONE",
}


def test_every_field_passes() -> None:
    (body,) = chat.requests(read(FIELDS))
    assert json.loads(body) == FIELDS


def test_no_field_of_the_schema_is_without_a_test() -> None:
    from proxy.routes import schema

    assert set(schema.read(CHAT.schema, {"MAX_TOKENS": 9, "MAX_PROMPT_CHARACTERS": 9})["properties"]) == {
        *FIELDS,
        *("model", "conversation_id", "user_name", "connectors"),
    }


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("conversation_id", "c", 'conversation_id: must be "" or left out: this proxy keeps no conversations'),
        ("user_name", "u", "user_name: must be left out: no model takes the user's name"),
        ("connectors", [{"id": "web-search"}], "connectors: must be left out: models on SageMaker reach no connectors"),
        ("chat_history", [{"role": "BOT", "message": "m"}], "chat_history[0].role: must be one of USER, CHATBOT"),
        ("chat_history", [{"role": "USER"}], "chat_history[0].message: is missing"),
        ("chat_history", [{"role": "USER", "message": "m" * 1001}], "chat_history[0].message: must be a text of 0 to"),
        ("chat_history", [{"role": "TOOL", "message": "m"}], "chat_history[0]: unknown field"),
        ("tool_results", [{"call": CALL, "outputs": ["x"]}], "tool_results[0].outputs[0]: must be an object"),
        ("tools", [{"name": "n"}], "tools[0].description: is missing"),
        ("response_format", {"type": "json"}, "response_format.type: must be one of text, json_object"),
        ("max_tokens", 1001, "max_tokens: must be an integer from 1 to 1000"),
        ("messages", [], "unknown field; did you mean message?"),
        ("model", "", "model: must be a text of 1 to 256 characters"),
    ],
)
def test_the_rest_is_refused_by_name(field: str, value: Any, problem: str) -> None:
    assert refusal(lambda: read({"message": "hello", field: value})).removeprefix("messages: ").startswith(problem)


def test_what_older_clients_write_otherwise() -> None:
    history = [{"role": "System", "message": "s"}, {"role": "User", "message": "u"}, {"role": "Tool"}]
    given = {"message": "hello", "conversation_id": "", "user_name": None, "chat_history": history}
    (body,) = chat.requests(read(given))
    upper = [{**turn, "role": turn["role"].upper()} for turn in history]
    assert json.loads(body) == {"message": "hello", "chat_history": upper}


@pytest.mark.parametrize("name", ["response_id", "generation_id"])
def test_an_answer_has_the_ids_that_clients_read(name: str) -> None:
    given = {**CHAT_ANSWER, name: None}
    found = json.loads(chat.answer([json.dumps(given).encode()], {}).body)
    assert len(found[name]) == 32
    assert {**found, name: None} == given


def test_through_the_core(function: Function, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API", "chat")
    upstream.behave = answer(200, CHAT_ANSWER)
    in_front_of_chat = Function(fresh_handler(monkeypatch).handler)
    status, _, body = in_front_of_chat.post({"message": "hello", "seed": None, "stream": False}, path="/v1/chat")
    assert (status, body) == (200, CHAT_ANSWER)
    assert json.loads(upstream.requests[0].partition(b"\r\n\r\n")[2]) == {"message": "hello"}


@pytest.mark.parametrize(
    "content",
    [
        {"text": "", "tool_calls": [CALL]},
        {"text": "t", "unknown": [1]},
        {"search_queries": [], "is_search_required": False},
        {"tool_calls": []},
    ],
)
def test_an_answer_passes_byte_for_byte(content: dict[str, Any]) -> None:
    body = json.dumps({"response_id": "r-1", "generation_id": "g-1", **content}, indent=1).encode()
    assert chat.answer([body], {}).body == body


def test_the_tokens_of_an_answer() -> None:
    found = chat.answer([json.dumps(CHAT_ANSWER).encode()], {})
    assert (found.generations, found.tokens_in, found.tokens_out) == (1, 3, 4)


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"text": 1}', b'{"text": null}', b"no", b"\xff", b"[" * 100_000])
def test_an_answer_that_is_none(content: bytes) -> None:
    with pytest.raises(ProxyError, match="bad_answer"):
        chat.answer([content], {})


STREAM = chat_stream(text("a chat"), {"event_type": "debug", "prompt": "p"}, text(" answer"))


def test_a_stream_passes() -> None:
    stream = chat.stream({})
    assert run(stream, STREAM) == STREAM
    assert (stream.tokens_in, stream.tokens_out) == (3, 4)


@pytest.mark.parametrize("length", range(len(STREAM)))
def test_a_stream_that_breaks_off_ends_with_a_failure(length: int) -> None:
    *events, last = run(chat.stream({}), STREAM[:length])
    assert events == STREAM[:length]
    assert (last["event_type"], last["finish_reason"], last["is_finished"]) == ("stream-end", "ERROR", True)
    assert last["err"] == "connection_lost: the model's stream ended before its end"
    so_far = "".join(event["text"] for event in events if event["event_type"] == "text-generation")
    wanted = {"generation_id": "g-1" if length else "request-1", "text": so_far, "finish_reason": "ERROR"}
    assert last["response"] == wanted


@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT"])
@pytest.mark.parametrize("place", ["event", "response"])
def test_a_model_that_fails_in_a_stream(reason: str, place: str) -> None:
    end = {"event_type": "stream-end", "response": {"text": ""}, "error": "the prompt"}
    (end if place == "event" else end["response"])["finish_reason"] = reason  # type: ignore[index]
    *_, last = run(chat.stream({}), [*STREAM[:2], end])
    assert last["err"].startswith("model_failed: ")
    assert "the prompt" not in json.dumps(last)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event_type": 1},
        {"event_type": "text-generation"},
        {"event_type": "text-generation", "text": None},
        {"event_type": "stream-end"},
        {"event_type": "stream-end", "response": []},
    ],
)
def test_an_object_that_is_no_event(event: dict[str, Any]) -> None:
    for stream in (chat.stream({}), generate_on_chat.stream({"prompt": "p"})):
        with pytest.raises(ProxyError, match="bad_answer"):
            stream.events(event)


PIECES = [{"text": "a", "is_finished": False, "index": 0}, {"text": " b", "is_finished": False, "index": 0}]
END = {
    "is_finished": True,
    "finish_reason": "COMPLETE",
    "response": {"id": "1", "generations": [{"id": "2", "text": "a b"}], "meta": CHAT_ANSWER["meta"]},
}


def test_a_stream_of_generate_gets_the_types_that_newer_clients_read() -> None:
    stream = generate.stream({})
    found = run(stream, [*PIECES, END])
    assert [event.pop("event_type") for event in found] == ["text-generation", "text-generation", "stream-end"]
    assert found == [*PIECES, END]
    assert (stream.tokens_in, stream.tokens_out) == (3, 4)


def test_each_generation_may_end_by_itself() -> None:
    stream = generate.stream({"num_generations": 2})
    for index in range(2):
        assert not stream.finished
        stream.events({"is_finished": True, "index": index, "finish_reason": "MAX_TOKENS"})
    assert stream.finished


@pytest.mark.parametrize("length", range(3))
def test_a_stream_of_generate_that_breaks_off(length: int) -> None:
    *events, last = run(generate.stream({}), [*PIECES, END][:length])
    assert len(events) == length
    assert last["err"].startswith("connection_lost: ")
    assert (last["event_type"], last["is_finished"], last["finish_reason"]) == ("stream-error", True, "ERROR")


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"is_finished": True, "finish_reason": "ERROR", "response": {"id": "1"}}, "model_failed"),
        ({"is_finished": True, "err": "the prompt"}, "model_failed"),
        ({"message": "no"}, "bad_answer"),
        ({"text": 1, "is_finished": False}, "bad_answer"),
    ],
)
def test_a_stream_of_generate_that_fails(event: dict[str, Any], code: str) -> None:
    (last,) = run(generate.stream({}), [event])
    assert last["err"].startswith(f"{code}: ")
    assert "the prompt" not in last["err"]


def test_a_time_out_is_told_as_one() -> None:
    (last,) = generate.stream({}).failure(ProxyError("timed_out", "the model took too long"), "request-1")
    assert last["finish_reason"] == "TIMEOUT"


def test_generate_on_chat_asks_for_a_stream_and_gets_its_objects() -> None:
    fields = reader(GENERATE)({"prompt": "p", "stream": True, "max_tokens": 3})
    (body,) = generate_on_chat.requests(fields)
    assert json.loads(body) == {"message": "p", "stream": True, "max_tokens": 3}
    stream = generate_on_chat.stream(fields)
    *pieces, last = run(stream, STREAM)
    assert pieces == [
        {"event_type": "text-generation", "text": one, "index": 0, "is_finished": False}
        for one in ("a chat", " answer")
    ]
    generation = {"id": "g-1", "text": "a chat answer", "finish_reason": "COMPLETE"}
    usage = {"billed_units": {"input_tokens": 3, "output_tokens": 4}}
    response = {"id": "g-1", "generations": [generation], "prompt": "p", "meta": usage}
    assert last == {
        "event_type": "stream-end",
        "is_finished": True,
        "finish_reason": "COMPLETE",
        "response": response,
    }
    assert (stream.tokens_in, stream.tokens_out) == (3, 4)


@pytest.mark.parametrize("length", range(len(STREAM)))
def test_generate_on_chat_that_breaks_off(length: int) -> None:
    *_, last = run(generate_on_chat.stream({"prompt": "p"}), STREAM[:length])
    assert (last["event_type"], last["finish_reason"]) == ("stream-error", "ERROR")


def test_a_text_that_comes_with_the_end_only_is_not_lost() -> None:
    piece, last = run(generate_on_chat.stream({"prompt": "p"}), chat_stream())
    assert piece["text"] == last["response"]["generations"][0]["text"] == "a chat answer"
