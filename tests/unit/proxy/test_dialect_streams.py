"""Chat v2's streams: as they are from a v2 container, and made of a v1 container's."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.dialects.cohere_v2 import chat, chat_on_chat
from proxy.errors import ProxyError

from .dialects import USAGE, chat_stream, message_of, run, text

NOTHING = {name: {"input_tokens": 0, "output_tokens": 0} for name in ("billed_units", "tokens")}
FIELDS = {"messages": [{"role": "user", "content": "u"}], "documents": [{"id": "d", "data": "a text"}]}
SOURCE = {"type": "document", "id": "d", "document": {"id": "d", "content": "a text"}}
CALLS = [{"name": "sky", "parameters": {"town": "Bern"}}, {"name": "now", "parameters": {}}]
CITATIONS = [{"start": start, "end": start + 1, "text": "x", "document_ids": ["d"]} for start in range(2)]


def translated(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return run(chat_on_chat.stream(FIELDS), documents)


def same(documents: list[dict[str, Any]]) -> None:
    """Check that a stream tells what the buffered answer does, apart from the ids that are made."""
    stream = chat_on_chat.stream(FIELDS)
    found = message_of(run(stream, documents))
    buffered = chat_on_chat.document([json.dumps(documents[-1]["response"]).encode()], FIELDS)
    for one in (found, buffered):
        for call in one["message"].get("tool_calls", ()):
            call["id"] = ""
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    assert found == buffered
    assert (stream.finished, stream.tokens_in, stream.tokens_out) == (True, 3, 4)


def chunk(**delta: Any) -> dict[str, Any]:
    return {"event_type": "tool-calls-chunk", "tool_call_delta": delta}


WHOLE_CALLS = {"event_type": "tool-calls-generation", "text": "I look.", "tool_calls": CALLS}
CITED = {"event_type": "citation-generation", "citations": CITATIONS}
STREAMS = {
    "text": chat_stream(text("a chat"), text(" answer")),
    "text with the end only": chat_stream(),
    "what has no counterpart": chat_stream({"event_type": "debug"}, text("a chat answer"), {"event_type": "new"}),
    "citations": chat_stream(text("a chat"), CITED, text(" answer"), citations=CITATIONS),
    "citations with the end only": chat_stream(text("a chat answer"), citations=CITATIONS),
    "calls": chat_stream(WHOLE_CALLS, text="I look.", tool_calls=CALLS),
    "calls with the end only": chat_stream(text="I look.", tool_calls=CALLS),
    "calls without a plan": chat_stream(text=None, tool_calls=CALLS),
    "calls in pieces": chat_stream(
        *(chunk(text="I "), chunk(text="look.")),
        *(chunk(index=0, name="sky"), chunk(index=0, parameters='{"town'), chunk(index=0, parameters='": "Bern"}')),
        chunk(index=1, name="now"),
        WHOLE_CALLS,
        text="I look.",
        tool_calls=CALLS,
    ),
    "calls in pieces without numbers": chat_stream(
        {"event_type": "tool-calls-chunk", "text": "I look."},
        *(chunk(name="sky", parameters='{"town": "Bern"}'), chunk(name="now", parameters="{}")),
        text="I look.",
        tool_calls=CALLS,
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_tells_what_the_whole_answer_does(name: str) -> None:
    same(STREAMS[name])


def test_the_events_of_a_text() -> None:
    content = {"message": {"content": {"text": "hi"}}}
    assert translated(chat_stream(text("hi"), text="hi")) == [
        {"type": "message-start", "id": "g-1", "delta": {"message": {"role": "assistant"}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": content},
        {"type": "content-end", "index": 0},
        {"type": "message-end", "id": "g-1", "delta": {"finish_reason": "COMPLETE", "usage": USAGE}},
    ]


def test_the_events_of_calls() -> None:
    _, plan, first, arguments, end, *_, last = translated(chat_stream(WHOLE_CALLS, text="I look.", tool_calls=CALLS))
    assert plan == {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I look."}}}
    made = first["delta"]["message"]["tool_calls"].pop("id")
    assert made.startswith("sky_")
    call = {"type": "function", "function": {"name": "sky", "arguments": ""}}
    assert first == {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": call}}}
    delta = {"message": {"tool_calls": {"function": {"arguments": '{"town": "Bern"}'}}}}
    assert arguments == {"type": "tool-call-delta", "index": 0, "delta": delta}
    assert end == {"type": "tool-call-end", "index": 0}
    assert last["delta"]["finish_reason"] == "TOOL_CALL"


def test_the_events_of_a_citation_come_before_the_end_of_the_text() -> None:
    found = translated(chat_stream(text("a chat answer"), citations=CITATIONS[:1]))
    start, end, *_ = found[3:]
    citation = {**CITATIONS[0], "sources": [SOURCE], "content_index": 0, "type": "TEXT_CONTENT"}
    del citation["document_ids"]
    assert start == {"type": "citation-start", "index": 0, "delta": {"message": {"citations": citation}}}
    assert end == {"type": "citation-end", "index": 0}
    assert [event["type"] for event in found[5:]] == ["content-end", "message-end"]


def test_documents_that_the_container_finds_are_cited() -> None:
    found = {"event_type": "search-results", "documents": [{"id": "w", "url": "u"}]}
    cited = {"event_type": "citation-generation", "citations": [{**CITATIONS[0], "document_ids": ["w"]}]}
    events = translated(chat_stream(found, text("x"), cited))
    (source,) = next(e for e in events if e["type"] == "citation-start")["delta"]["message"]["citations"]["sources"]
    assert source == {"type": "document", "id": "w", "document": {"id": "w", "url": "u"}}


PREFIXES = [(name, length) for name, documents in STREAMS.items() for length in range(len(documents))]


@pytest.mark.parametrize(("name", "length"), PREFIXES)
def test_a_stream_that_breaks_off_ends_with_a_failure(name: str, length: int) -> None:
    *events, last = translated(STREAMS[name][:length])
    assert all(event["type"] != "message-end" for event in events)
    assert last == {
        "type": "message-end",
        "id": "g-1" if length else "request-1",
        "delta": {
            "finish_reason": "ERROR",
            "error": "connection_lost: the model's stream ended before its end",
            "usage": NOTHING,
        },
    }


@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT"])
def test_a_model_that_fails_tells_its_tokens(reason: str) -> None:
    *_, last = translated([*chat_stream(text("x"), finish_reason=reason, error="the prompt")])
    assert (last["delta"]["finish_reason"], last["delta"]["usage"]) == ("ERROR", USAGE)
    assert last["delta"]["error"].startswith("model_failed: ")
    assert "the prompt" not in json.dumps(last)


def test_an_answer_that_the_model_stops_is_no_failure_of_the_service() -> None:
    *_, last = translated(chat_stream(text("x"), finish_reason="ERROR_TOXIC"))
    assert last["delta"]["error"] == "model_failed: the model ended its answer with ERROR_TOXIC"
    assert last["delta"]["finish_reason"] == "ERROR"


def test_a_time_out_is_told_as_one() -> None:
    for stream in (chat.stream({}), chat_on_chat.stream(FIELDS)):
        (last,) = stream.failure(ProxyError("timed_out", "the model took too long"), "request-1")
        error = "timed_out: the model took too long"
        assert last["delta"] == {"finish_reason": "TIMEOUT", "error": error, "usage": NOTHING}


@pytest.mark.parametrize(
    "event",
    [
        *({}, {"event_type": 1}, {"event_type": "text-generation", "text": 1}, {"event_type": "stream-end"}),
        *(chunk(parameters="{"), chunk(name=1), chunk(name="n", parameters=1), {**CITED, "citations": [1]}),
        *({**CITED, "citations": 1}, {**WHOLE_CALLS, "tool_calls": [1]}, {**WHOLE_CALLS, "tool_calls": 1}),
    ],
)
def test_an_event_that_is_none_of_chat_v1(event: dict[str, Any]) -> None:
    *_, last = translated([*chat_stream()[:1], event])
    assert last["delta"]["error"].startswith("bad_answer: ")


V2 = translated(STREAMS["text"])


def test_a_stream_of_chat_v2_passes() -> None:
    stream = chat.stream({})
    assert run(stream, V2) == V2
    assert (stream.tokens_in, stream.tokens_out) == (3, 4)


@pytest.mark.parametrize("length", range(len(V2)))
def test_a_stream_of_chat_v2_that_breaks_off(length: int) -> None:
    *events, last = run(chat.stream({}), V2[:length])
    assert (events, last["id"]) == (V2[:length], "g-1" if length else "request-1")
    assert last["delta"]["error"].startswith("connection_lost: ")


@pytest.mark.parametrize("event", [{}, {"type": 1}, {"event_type": "stream-start"}])
def test_an_event_that_is_none_of_chat_v2(event: dict[str, Any]) -> None:
    (last,) = run(chat.stream({}), [event])
    assert last["delta"]["error"].startswith("bad_answer: ")


def test_a_v2_model_that_fails() -> None:
    end = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "the prompt", "usage": USAGE}}
    (last,) = run(chat.stream({}), [end])
    assert (last["delta"]["finish_reason"], last["delta"]["usage"]) == ("ERROR", USAGE)
    assert "the prompt" not in json.dumps(last)


pieces = st.lists(st.text(min_size=1), max_size=6)
spans = st.integers(0, 99).map(lambda start: {**CITATIONS[0], "start": start, "end": start + 9})
names = st.sampled_from(["sky", "now", "a_b"])
parameters = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text(), max_size=3)
calls = st.lists(st.builds(lambda name, given: {"name": name, "parameters": given}, names, parameters), max_size=3)


@settings(deadline=None)
@given(pieces, st.lists(spans, max_size=3), st.integers(0, 3))
def test_no_text_and_no_citation_is_lost(texts: list[str], cited: list[Any], with_the_end: int) -> None:
    events = [*map(text, texts), *({**CITED, "citations": [one]} for one in cited[with_the_end:])]
    order = [*cited[with_the_end:], *cited[:with_the_end]]
    documents = chat_stream(*events, text="".join(texts), citations=order)
    if not texts:
        documents[-1]["response"]["text"] = "whole"
    same(documents)


@settings(deadline=None)
@given(st.text(), calls.filter(bool), st.data())
def test_no_tool_call_is_lost(plan: str, given_calls: list[Any], data: st.DataObject) -> None:
    events: list[dict[str, Any]] = [chunk(text=one) for one in plan]
    for index, one in enumerate(given_calls):
        written = json.dumps(one["parameters"], ensure_ascii=data.draw(st.booleans()))
        cut = data.draw(st.integers(0, len(written)))
        events += [chunk(index=index, name=one["name"]), chunk(index=index, parameters=written[:cut])]
        events.append(chunk(index=index, parameters=written[cut:]))
    # A container that does not stream some of them tells them whole.
    shown = data.draw(st.integers(0, len(events)))
    if shown < len(events):
        shown = min(shown, len(plan))
    documents = chat_stream(*events[:shown], text=plan, tool_calls=given_calls)
    if shown < len(plan):
        documents = chat_stream(text=plan, tool_calls=given_calls)
    same(documents)
