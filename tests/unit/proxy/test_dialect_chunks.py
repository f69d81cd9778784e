"""OpenAI's chat completions in front of chat containers, in streams."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects import framing
from proxy.dialects.openai.stream import CompletionStream
from proxy.errors import ProxyError
from proxy.routes.table import CHAT_COMPLETIONS

from .stand_ins import read, translation

USAGE = {"billed_units": {"input_tokens": 3, "output_tokens": 5}, "tokens": {"input_tokens": 70, "output_tokens": 6}}
START = {"type": "message-start", "id": "c-1", "delta": {"message": {"role": "assistant"}}}
END = {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": USAGE}}


def stream_of(api: str = "chat_v2", **fields: Any) -> CompletionStream:
    body = {"messages": [{"role": "user", "content": "hello"}], "stream": True, "model": "gpt", **fields}
    found: CompletionStream = translation(CHAT_COMPLETIONS, api).stream(read(CHAT_COMPLETIONS, body))
    return found


def chunks(events: list[dict[str, Any]], **fields: Any) -> list[dict[str, Any]]:
    stream = stream_of(**fields)
    found = [chunk for event in events for chunk in stream.events(event)]
    assert stream.finished
    assert all(one["id"] == "c-1" and one["model"] == "gpt" for one in found)
    assert all(one["object"] == "chat.completion.chunk" and one["created"] > 0 for one in found)
    return found


def deltas(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one["choices"][0]["delta"] for one in found]


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": words}}}, **more}


def test_a_text() -> None:
    begin = {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}
    stop = {"type": "content-end", "index": 0}
    cited = {"type": "citation-start", "index": 0, "delta": {"message": {"citations": {"start": 0}}}}
    found = chunks([START, begin, text("good"), text(" day"), cited, stop, END])
    assert deltas(found) == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "good"},
        {"content": " day"},
        {},
    ]
    assert [one["choices"][0]["finish_reason"] for one in found] == [None, None, None, "stop"]
    assert all("usage" not in one for one in found)


def test_the_request_asks_for_a_stream() -> None:
    body = {
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    for api in ("chat", "chat_v2"):
        (content,) = translation(CHAT_COMPLETIONS, api).requests(read(CHAT_COMPLETIONS, body))
        assert b'"stream": true' in content
        assert b"stream_options" not in content


def test_usage_is_a_chunk_of_its_own_when_it_is_asked_for() -> None:
    found = chunks([START, text("a"), END], stream_options={"include_usage": True})
    assert [one["usage"] for one in found[:-1]] == [None, None, None]
    assert found[-1]["choices"] == []
    assert found[-1]["usage"] == {"prompt_tokens": 70, "completion_tokens": 6, "total_tokens": 76}


def test_the_log_gets_the_tokens() -> None:
    stream = stream_of()
    for event in (START, END):
        stream.events(event)
    assert (stream.tokens_in, stream.tokens_out) == (3, 5)


def call(index: int, name: str) -> list[dict[str, Any]]:
    """Return the events of a call, as chat v2 has them."""
    function = {"name": name, "arguments": ""}
    parts = [{"function": {"arguments": part}} for part in ('{"city":', ' "Ulm"}')]
    start = {"id": f"{name}-1", "type": "function", "function": function}
    return [
        {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": start}}},
        *({"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": one}}} for one in parts),
        {"type": "tool-call-end", "index": index},
    ]


def test_tool_calls() -> None:
    plan = {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I look."}}}
    events = [START, plan, *call(1, "weather"), *call(2, "time"), END]
    found = deltas(chunks(events))
    assert found[1] == {"content": "I look."}
    made = [one["tool_calls"][0] for one in found[2:-1]]
    begun = {"id": "weather-1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    assert made[0] == {"index": 0, **begun}
    assert [one["index"] for one in made] == [0, 0, 0, 1, 1, 1]
    assert "".join(one["function"]["arguments"] for one in made[:3]) == '{"city": "Ulm"}'
    found = deltas(chunks(events, parallel_tool_calls=False))
    assert [one["tool_calls"][0]["index"] for one in found[2:-1]] == [0, 0, 0]


def test_thoughts_and_likelihoods() -> None:
    thought = {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"thinking": "hm"}}}}
    likely = text("a", logprobs={"text": "a", "token_ids": [1], "logprobs": [-0.5]})
    found = chunks([START, thought, likely, END], logprobs=True)
    assert deltas(found)[1:3] == [{"reasoning_content": "hm"}, {"content": "a"}]
    assert found[2]["choices"][0]["logprobs"]["content"][0]["logprob"] == -0.5


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content-delta"},
        {"type": "content-delta", "delta": {"message": {"content": "text"}}},
        {"type": "tool-call-start", "delta": {"message": {"tool_calls": {"id": "1"}}}},
        {"type": "tool-plan-delta", "delta": None},
        {"type": "message-end", "delta": None},
    ],
)
def test_an_event_that_is_not_cohere_s(event: dict[str, Any]) -> None:
    stream = stream_of()
    stream.events(START)
    with pytest.raises(ProxyError) as caught:
        stream.events(event)
    assert caught.value.code == "bad_answer"


@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT"])
def test_a_failure_of_the_model_is_raised(reason: str) -> None:
    stream = stream_of()
    stream.events(START)
    with pytest.raises(ProxyError) as caught:
        stream.events({"type": "message-end", "delta": {"finish_reason": reason}})
    assert caught.value.code == "model_failed"
    assert not stream.finished


def test_a_failure_is_an_object_that_openai_s_clients_raise() -> None:
    (found,) = stream_of().failure(ProxyError("timed_out", "the model took too long"), "request-1")
    error = {"message": "the model took too long", "type": "server_error", "code": "timed_out", "param": None}
    assert found == {"error": error}
    frames = framing.choose("chat_completions", "")
    assert frames.write(found).startswith(b'data: {"error":')
    assert frames.end == b"data: [DONE]\n\n"


def test_in_front_of_chat_v1() -> None:
    stream = stream_of("chat")
    events = [
        {"event_type": "stream-start", "generation_id": "g-1", "is_finished": False},
        {"event_type": "text-generation", "text": "good", "is_finished": False},
        {"event_type": "text-generation", "text": " day", "is_finished": False},
        {
            "event_type": "stream-end",
            "is_finished": True,
            "finish_reason": "MAX_TOKENS",
            "response": {"text": "good day", "generation_id": "g-1", "meta": USAGE, "finish_reason": "MAX_TOKENS"},
        },
    ]
    found = [chunk for event in events for chunk in stream.events(event)]
    assert stream.finished
    assert {one["id"] for one in found} == {"g-1"}
    assert "".join(one.get("content", "") for one in deltas(found)) == "good day"
    assert found[-1]["choices"][0]["finish_reason"] == "length"


@given(st.lists(st.text(max_size=8), max_size=6))
def test_no_text_is_lost(words: list[str]) -> None:
    found = deltas(chunks([START, *map(text, words), END]))
    assert "".join(one.get("content", "") for one in found) == "".join(words)
