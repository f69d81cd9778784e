"""OpenAI's chat completions in front of chat containers, as whole answers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.openai.from_v2 import from_v2
from proxy.dialects.openai.to_v2 import to_v2
from proxy.errors import ProxyError
from proxy.routes.table import CHAT_COMPLETIONS, CHAT_V2

from .stand_ins import ask, read, sent

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
USAGE = {"billed_units": {"input_tokens": 3, "output_tokens": 5}, "tokens": {"input_tokens": 70, "output_tokens": 6}}
ANSWER: dict[str, Any] = {
    "id": "c-1",
    "finish_reason": "COMPLETE",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "good"}, {"type": "text", "text": " day"}]},
    "usage": USAGE,
}
CALL = {"id": "w1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Ulm"}'}}
WEATHER = {"name": "weather", "description": "Tells it", "parameters": {"type": "object", "properties": {}}}
TOOL = {"type": "function", "function": WEATHER}
TIME = {"type": "function", "function": {"name": "time"}}
EMPTY = {"type": "object", "properties": {}}


def v2_of(**fields: Any) -> dict[str, Any]:
    """Return what a chat v2 container gets, which chat v2's own schema takes too."""
    (found,) = sent(CHAT_COMPLETIONS, "chat_v2", {**HELLO, **fields})
    assert read(CHAT_V2, found) == found
    return found


def refusal(api: str = "chat_v2", **fields: Any) -> str:
    with pytest.raises(ProxyError) as caught:
        sent(CHAT_COMPLETIONS, api, {**HELLO, **fields})
    assert caught.value.code == "invalid_field"
    return caught.value.message


def completion(answer: dict[str, Any] = ANSWER, **fields: Any) -> dict[str, Any]:
    return ask(CHAT_COMPLETIONS, "chat_v2", {**HELLO, **fields}, lambda _: answer)


def test_a_request_and_its_answer() -> None:
    found = completion(model="gpt-4o")
    assert found.pop("created") > 0
    assert found == {
        "id": "c-1",
        "object": "chat.completion",
        "model": "gpt-4o",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "good day", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 70, "completion_tokens": 6, "total_tokens": 76},
    }
    assert v2_of() == HELLO


@pytest.mark.parametrize(
    ("given_field", "wanted"),
    [
        ({"max_tokens": 9}, {"max_tokens": 9}),
        ({"max_completion_tokens": 9}, {"max_tokens": 9}),
        ({"max_completion_tokens": 9, "max_tokens": 9}, {"max_tokens": 9}),
        ({"temperature": 0.5, "seed": 3}, {"temperature": 0.5, "seed": 3}),
        ({"frequency_penalty": 0.1, "presence_penalty": 1}, {"frequency_penalty": 0.1, "presence_penalty": 1}),
        ({"top_p": 0.5}, {"p": 0.5}),
        ({"top_p": 1}, {"p": 0.99}),
        ({"top_p": 0}, {"p": 0.01}),
        ({"stop": "."}, {"stop_sequences": ["."]}),
        ({"stop": [".", "\n"]}, {"stop_sequences": [".", "\n"]}),
        ({"logprobs": True, "top_logprobs": 0}, {"logprobs": True}),
        ({"n": 1}, {}),
        ({"stream": False}, {}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ({"reasoning_effort": "high"}, {"thinking": {"type": "enabled"}}),
        ({"modalities": ["text"], "verbosity": "medium", "service_tier": "auto", "store": False}, {}),
        ({"user": "u", "safety_identifier": "s", "metadata": {"a": "b"}}, {}),
        ({"prompt_cache_key": "k", "prompt_cache_retention": "24h", "prompt_cache_options": {"mode": "implicit"}}, {}),
        ({"response_format": {"type": "text"}}, {"response_format": {"type": "text"}}),
        ({"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
        (
            {"response_format": {"type": "json_object", "schema": EMPTY}},
            {"response_format": {"type": "json_object", "json_schema": EMPTY}},
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "book", "description": "A book", "strict": True, "schema": EMPTY},
                }
            },
            {"response_format": {"type": "json_object", "json_schema": {"description": "A book", **EMPTY}}},
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "any"}}},
            {"response_format": {"type": "json_object", "json_schema": {"type": "object"}}},
        ),
        ({"tools": [TOOL]}, {"tools": [TOOL]}),
        ({"tools": [TIME]}, {"tools": [{"type": "function", "function": {"name": "time", "parameters": EMPTY}}]}),
        ({"tools": []}, {}),
        ({"tool_choice": "none"}, {}),
        ({"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": True}, {"tools": [TOOL]}),
        ({"tools": [TOOL], "tool_choice": "none"}, {"tools": [TOOL], "tool_choice": "NONE"}),
        ({"tools": [TOOL], "tool_choice": "required"}, {"tools": [TOOL], "tool_choice": "REQUIRED"}),
        (
            {"tools": [TIME, TOOL], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
            {"tools": [TOOL], "tool_choice": "REQUIRED"},
        ),
        (
            {
                "tools": [TOOL, TIME],
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "weather"}}]},
                },
            },
            {"tools": [TOOL]},
        ),
        (
            {"tools": [{"type": "function", "function": {**WEATHER, "strict": True}}]},
            {"tools": [TOOL], "strict_tools": True},
        ),
        ({"tools": [{"type": "function", "function": {**WEATHER, "strict": False}}]}, {"tools": [TOOL]}),
    ],
)
def test_what_each_field_becomes(given_field: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert v2_of(**given_field) == {**HELLO, **wanted}
    assert v2_of(**dict.fromkeys(given_field)) == HELLO, "null counts as not given"


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ({"role": "system", "content": "be good"}, {"role": "system", "content": "be good"}),
        ({"role": "developer", "content": "be good"}, {"role": "system", "content": "be good"}),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}]},
            {"role": "user", "content": [{"type": "text", "text": "a"}]},
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}}]},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}}]},
        ),
        ({"role": "assistant", "content": "hi", "refusal": None}, {"role": "assistant", "content": "hi"}),
        (
            {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "no"}]},
        ),
        ({"role": "assistant", "refusal": "no", "content": None}, {"role": "assistant", "content": "no"}),
        (
            {"role": "assistant", "content": "hi", "reasoning_content": "hm"},
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hi"}],
            },
        ),
        ({"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "assistant", "tool_calls": [CALL]}),
        (
            {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
            {"role": "assistant", "tool_plan": "I look.", "tool_calls": [CALL]},
        ),
        (
            {"role": "tool", "tool_call_id": "w1", "name": "weather", "content": "sun"},
            {"role": "tool", "tool_call_id": "w1", "content": "sun"},
        ),
        (
            {"role": "tool", "tool_call_id": "w1", "content": [{"type": "text", "text": "sun"}]},
            {"role": "tool", "tool_call_id": "w1", "content": [{"type": "text", "text": "sun"}]},
        ),
    ],
)
def test_messages(message: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert v2_of(messages=[message])["messages"] == [wanted]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"messages": []}, "messages: must be a list of 1 or more"),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].role: must be one of system, developer, "),
        ({"messages": [{"role": "assistant"}]}, "messages[0].content: is missing, and so are tool_calls"),
        (
            {"messages": [{"role": "user", "content": "x", "name": "Ann"}]},
            "messages[0].name: must be left out: messages to",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
            "messages[0].content[0].type: must be one of text, image_url",
        ),
        ({"messages": [{"role": "assistant", "audio": {"id": "1"}}]}, "messages[0].audio: must be left out: the model"),
        ({"temperature": 1.2}, "temperature: must be a number from 0 to 1"),
        ({"frequency_penalty": -1}, "frequency_penalty: must be a number from 0 to 1"),
        ({"presence_penalty": 2}, "presence_penalty: must be a number from 0 to 1"),
        ({"max_tokens": 1001}, "max_tokens: must be an integer from 1 to 1000"),
        ({"max_completion_tokens": 0}, "max_completion_tokens: must be an integer from 1 to 1000"),
        (
            {"max_tokens": 5, "max_completion_tokens": 6},
            "max_tokens: must be that of max_completion_tokens, or left out",
        ),
        ({"n": 2}, "n: must be an integer from 1 to 1"),
        ({"top_logprobs": 2}, "top_logprobs: must be an integer from 0 to 0"),
        ({"reasoning_effort": "low"}, "reasoning_effort: must be one of none, high"),
        ({"store": True}, "store: must be false or left out: nothing is stored"),
        ({"verbosity": "low"}, "verbosity: must be medium or left out: there is no other"),
        ({"service_tier": "flex"}, "service_tier: must be one of auto, default"),
        ({"modalities": ["audio"]}, "modalities[0]: must be text"),
        ({"stream_options": {"include_usage": True}}, "stream_options: must be left out: the answer is no stream"),
        ({"response_format": {"type": "xml"}}, "response_format.type: must be one of text, json_object, json_schema"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema: is missing"),
        (
            {"response_format": {"type": "text", "schema": {}}},
            "response_format: must have no schema with the type text",
        ),
        (
            {"response_format": {"type": "json_object", "json_schema": {"name": "a"}}},
            "response_format: must have no schema with the type json_object",
        ),
        ({"tools": [{"type": "custom", "custom": {}}]}, "tools[0].type: must be function"),
        ({"tool_choice": "required"}, "tool_choice: must be none, auto or left out: there are no tools"),
        ({"tool_choice": "any"}, "tool_choice: must be one of auto, none, required"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "time"}}},
            "tool_choice: must name functions of tools",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function"}},
            "tool_choice: must have the members type and function",
        ),
        (
            {"tools": [TOOL, {"type": "function", "function": {"name": "b", "strict": True}}]},
            "tools: must all be strict, or none: ",
        ),
        *(
            ({name: {}}, f"{name}: must be left out: ")
            for name in ("logit_bias", "prediction", "audio", "web_search_options", "moderation", "functions")
        ),
        ({"function_call": "auto"}, "function_call: must be left out: retired by OpenAI: send tool_choice"),
        ({"documents": ["x"]}, "unknown field; known are messages, model, "),
    ],
)
def test_what_is_refused_by_name(fields: dict[str, Any], problem: str) -> None:
    assert refusal(**fields).startswith(problem)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"logprobs": True}, "logprobs: must be false or left out: the model answers chat v1"),
        ({"reasoning_effort": "high"}, "reasoning_effort: must be none or left out: this model does not think"),
        (
            {"tools": [TOOL], "tool_choice": "required"},
            "tool_choice: must be auto, none or left out: this model cannot be forced to call a tool",
        ),
        (
            {"tools": [{"type": "function", "function": {**WEATHER, "strict": True}}]},
            "tools: must not be strict: this model does not hold to the schemas",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]},
            "messages[0].content[0]: must be a text: the model answers chat v1",
        ),
    ],
)
def test_what_chat_v1_cannot_do_is_refused_in_openai_s_words(fields: dict[str, Any], problem: str) -> None:
    assert refusal("chat", **fields).startswith(problem)


def test_in_front_of_chat_v1() -> None:
    answer = {"text": "good day", "generation_id": "g-1", "finish_reason": "MAX_TOKENS", "meta": USAGE}
    body = {**HELLO, "stop": ".", "top_p": 1, "max_completion_tokens": 7}
    assert sent(CHAT_COMPLETIONS, "chat", body) == [
        {"message": "hello", "stop_sequences": ["."], "p": 0.99, "max_tokens": 7}
    ]
    found = ask(CHAT_COMPLETIONS, "chat", body, lambda _: answer)
    assert (found["id"], found["choices"][0]["message"]["content"]) == ("g-1", "good day")
    assert (found["choices"][0]["finish_reason"], found["usage"]["total_tokens"]) == ("length", 76)


def test_a_tool_call_and_its_result_in_front_of_chat_v1() -> None:
    call = {"name": "weather", "parameters": {"city": "Ulm"}}
    answer = {"text": "I look.", "generation_id": "g-1", "tool_calls": [call]}
    message = ask(CHAT_COMPLETIONS, "chat", {**HELLO, "tools": [TOOL]}, lambda _: answer)["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sun"}
    body = {"messages": [*HELLO["messages"], message, result], "tools": [TOOL]}
    (again,) = sent(CHAT_COMPLETIONS, "chat", body)
    assert again["tool_results"] == [{"call": call, "outputs": [{"content": "sun"}]}]
    assert again["chat_history"][-1]["message"] == "I look."


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "tool_calls"),
        ("ERROR_TOXIC", "content_filter"),
        ("SOMETHING_NEW", "stop"),
        (None, "stop"),
    ],
)
def test_why_an_answer_ended(reason: str | None, wanted: str) -> None:
    assert completion({**ANSWER, "finish_reason": reason})["choices"][0]["finish_reason"] == wanted


@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT"])
def test_a_failure_of_the_model_is_no_answer(reason: str) -> None:
    with pytest.raises(ProxyError) as caught:
        completion({**ANSWER, "finish_reason": reason})
    assert caught.value.code == "model_failed"


def test_tool_calls() -> None:
    message = {"role": "assistant", "tool_plan": "I look.", "tool_calls": [CALL, {**CALL, "id": "w2"}]}
    answer = {**ANSWER, "message": message, "finish_reason": "TOOL_CALL"}
    found = completion(answer)["choices"][0]
    assert found["message"]["content"] == "I look."
    assert found["message"]["tool_calls"] == message["tool_calls"]
    assert found["finish_reason"] == "tool_calls"
    found = completion(answer, parallel_tool_calls=False)["choices"][0]["message"]
    assert found["tool_calls"] == [CALL]
    del message["tool_plan"]
    assert completion(answer)["choices"][0]["message"]["content"] is None


def test_thoughts_and_likelihoods() -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hé"}]
    items = [
        {"text": "h", "token_ids": [1], "logprobs": [-0.5]},
        {"text": "é", "token_ids": [2, 3], "logprobs": [-1, -2]},
    ]
    answer = {**ANSWER, "message": {"content": parts}, "logprobs": items}
    found = completion(answer, logprobs=True)["choices"][0]
    assert (found["message"]["content"], found["message"]["reasoning_content"]) == ("hé", "hm")
    assert [(one["token"], one["logprob"], one["bytes"]) for one in found["logprobs"]["content"]] == [
        ("h", -0.5, [104]),
        ("é", -3, [195, 169]),
    ]


@pytest.mark.parametrize(
    ("usage", "wanted"),
    [
        ({"billed_units": USAGE["billed_units"]}, {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}),
        (
            {**USAGE, "cached_tokens": 4},
            {
                "prompt_tokens": 70,
                "completion_tokens": 6,
                "total_tokens": 76,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
        ),
        ({}, None),
        (None, None),
    ],
)
def test_usage(usage: Any, wanted: Any) -> None:
    assert completion({**ANSWER, "usage": usage}).get("usage") == wanted


@pytest.mark.parametrize(
    "changes",
    [
        {"message": "text"},
        {"message": {"content": [{"type": "text"}]}},
        {"message": {"tool_calls": [{"id": "1"}]}},
        {"message": {"tool_calls": [{"id": 1, "function": {"name": "a", "arguments": "{}"}}]}},
        {"logprobs": [{"text": 1}]},
    ],
)
def test_an_answer_that_is_not_cohere_s(changes: dict[str, Any]) -> None:
    with pytest.raises(ProxyError) as caught:
        completion({**ANSWER, **changes})
    assert caught.value.code == "bad_answer"


texts = st.text(min_size=1, max_size=20)
calls = st.lists(
    st.builds(
        lambda name, arguments, number: {
            "id": f"{name}{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        },
        texts,
        st.dictionaries(texts, texts, max_size=2),
        st.integers(0, 9),
    ),
    max_size=3,
)


@given(texts, st.text(max_size=10), calls)
def test_an_answer_that_comes_back_as_a_message_loses_nothing(text: str, thoughts: str, made: Any) -> None:
    parts = [{"type": "thinking", "thinking": thoughts}] if thoughts else []
    if made:
        message: dict[str, Any] = {"role": "assistant", "tool_calls": made, "tool_plan": text}
    else:
        message = {"role": "assistant", "content": [*parts, {"type": "text", "text": text}]}
    found = from_v2({**ANSWER, "message": message}, {"model": "m"})["choices"][0]["message"]
    fields = read(CHAT_COMPLETIONS, {"messages": [*HELLO["messages"], json.loads(json.dumps(found))]})
    again = to_v2(fields)["messages"][1]
    if not made and not thoughts:
        message["content"] = text
    assert again == message


@given(
    st.lists(
        st.one_of(
            st.builds(
                lambda role, text: {"role": role, "content": text},
                st.sampled_from(["system", "developer", "user", "assistant"]),
                texts,
            ),
            st.builds(
                lambda some: {"role": "user", "content": [{"type": "text", "text": one} for one in some]},
                st.lists(texts, min_size=1),
            ),
            st.builds(lambda text, made: {"role": "assistant", "content": text, "tool_calls": made}, texts, calls),
            st.builds(lambda text: {"role": "tool", "tool_call_id": "1", "content": text}, texts),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_no_text_and_no_call_of_a_conversation_is_lost(messages: list[dict[str, Any]]) -> None:
    def all_of(value: Any) -> list[str]:
        if isinstance(value, str):
            return [value]
        members = value.values() if isinstance(value, dict) else value
        return [text for one in members for text in all_of(one)]

    changed = v2_of(messages=messages)["messages"]
    names = {"system", "developer", "user", "assistant", "tool", "text"}
    before = sorted(one for one in all_of(messages) if one not in names)
    assert sorted(one for one in all_of(changed) if one not in names) == before
