"""Chat v2: as it is in front of a v2 container; in front of a v1 container each field is translated or refused."""

import json
from typing import Any

import pytest

from proxy.dialects.cohere_v2 import chat, chat_on_chat
from proxy.errors import ProxyError
from proxy.routes import schema
from proxy.routes.table import CHAT_V2

from .dialects import CHAT_ANSWER, USAGE, reader, refusal
from .function import Function, Upstream, answer, fresh_handler

read = reader(CHAT_V2)
USER = {"role": "user", "content": "hello"}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"town": "Bern"}'}}
V1_CALL = {"name": "weather", "parameters": {"town": "Bern"}}
ASKED = {"role": "assistant", "tool_plan": "I look.", "tool_calls": [CALL]}
RETURNED = {"role": "tool", "tool_call_id": "c1", "content": '{"sky": "blue"}'}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}}
V1_TOOL = {
    "name": "weather",
    "description": "d",
    "parameter_definitions": {"a": {"type": "str", "required": False}},
}


def sent(**fields: Any) -> dict[str, Any]:
    """Return what a chat v1 container gets."""
    (body,) = chat_on_chat.requests(read({"messages": [USER], **fields}))
    found: dict[str, Any] = json.loads(body)
    return found


# By field: its value, and what is sent for it to chat v1; a text is the beginning of a refusal.
FIELDS: dict[str, list[tuple[Any, Any]]] = {
    "messages": [([USER], {})],
    "model": [("a-model", {}), ("", "model: must be a text of 1 to 256")],
    "stream": [(True, {"stream": True}), (None, {})],
    "max_tokens": [(9, {"max_tokens": 9}), (0, "max_tokens: must be an integer from 1")],
    "temperature": [(0.5, {"temperature": 0.5}), (1.5, "temperature: must be a number from 0 to 1")],
    "k": [(3, {"k": 3})],
    "p": [(0.7, {"p": 0.7})],
    "seed": [(4, {"seed": 4})],
    "stop_sequences": [(["."], {"stop_sequences": ["."]})],
    "frequency_penalty": [(0.1, {"frequency_penalty": 0.1})],
    "presence_penalty": [(0.2, {"presence_penalty": 0.2})],
    "documents": [
        (["one"], {"documents": [{"content": "one", "id": "doc:0"}]}),
        ([{"id": "a", "data": "one"}], {"documents": [{"content": "one", "id": "a"}]}),
        (
            [{"data": {"title": "t", "year": 2026, "tags": ["ä"]}}],
            {"documents": [{"title": "t", "year": "2026", "tags": '["ä"]', "id": "doc:0"}]},
        ),
        ([{"data": {"id": "own", "text": "t"}}], {"documents": [{"text": "t", "id": "own"}]}),
        ([{"data": {"id": 7, "text": "t"}}], {"documents": [{"text": "t", "id": "7"}]}),
        ([{"id": "a", "data": "x"}, {"id": "a", "data": "y"}], "documents: must have ids that differ"),
        ([{"id": "a", "data": {"id": "b"}}], "documents[0].data: must have no other id"),
        ([1], "documents[0]: must be a text or an object"),
    ],
    "citation_options": [
        ({"mode": "FAST"}, {"citation_quality": "FAST"}),
        ({}, {}),
        ({"mode": "SLOW"}, "citation_options.mode: must be one of ENABLED"),
    ],
    "response_format": [
        ({"type": "text"}, {"response_format": {"type": "text"}}),
        ({"type": "json_object"}, {"response_format": {"type": "json_object"}}),
        (
            {"type": "json_object", "json_schema": SCHEMA},
            {"response_format": {"type": "json_object", "schema": SCHEMA}},
        ),
        ({"type": "json_object", "schema": SCHEMA}, {"response_format": {"type": "json_object", "schema": SCHEMA}}),
        ({"type": "text", "schema": SCHEMA}, "response_format: must have one of json_schema and schema"),
        ({"type": "json_object", "schema": {}, "json_schema": {}}, "response_format: must have one of"),
    ],
    "safety_mode": [
        ("STRICT", {"safety_mode": "STRICT"}),
        ("OFF", {"safety_mode": "NONE"}),
    ],
    "tools": [([TOOL], {"tools": [V1_TOOL]}), ([], {}), ([{"type": "function"}], "tools[0].function: is missing")],
    "tool_choice": [("NONE", {}), ("REQUIRED", "tool_choice: must be NONE or left out: the model answers chat v1")],
    "strict_tools": [(False, {}), (True, "strict_tools: must be false or left out: the model answers chat v1")],
    "logprobs": [(False, {}), (True, "logprobs: must be false or left out: the model answers chat v1")],
    "priority": [(0, {}), (1, "priority: must be 0 or left out: the model answers chat v1")],
    "thinking": [
        ({"type": "disabled"}, {}),
        ({"type": "enabled", "token_budget": 9}, "thinking.type: must be disabled, or thinking left out"),
    ],
}


def test_no_field_of_the_schema_is_without_a_test() -> None:
    assert set(schema.read(CHAT_V2.schema, {"MAX_TOKENS": 9, "MAX_PROMPT_CHARACTERS": 9})["properties"]) == set(FIELDS)


CASES = [(name, value, wanted) for name, cases in FIELDS.items() for value, wanted in cases]


@pytest.mark.parametrize(("name", "value", "wanted"), CASES)
def test_each_field_in_front_of_chat_v1(name: str, value: Any, wanted: Any) -> None:
    if isinstance(wanted, str):
        assert refusal(lambda: sent(**{name: value})).startswith(wanted)
    else:
        assert sent(**{name: value}) == {"message": "hello", **wanted}


@pytest.mark.parametrize(("name", "value", "wanted"), CASES)
def test_each_field_in_front_of_chat_v2(name: str, value: Any, wanted: Any) -> None:
    """What the schema takes, a v2 container gets as it is."""
    document = {"messages": [USER], name: value}
    if not refusal(lambda: read(document)):
        (body,) = chat.requests(read(document))
        assert json.loads(body) == {k: v for k, v in document.items() if k != "model" and v is not None}


def test_a_field_that_the_schema_gains_is_not_dropped() -> None:
    assert refusal(lambda: chat_on_chat.requests({"messages": [USER], "new": 1})).startswith("new: must be left out")


@pytest.mark.parametrize(
    ("messages", "wanted"),
    [
        ([{"role": "system", "content": "s"}, USER], {"preamble": "s", "message": "hello"}),
        (
            [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
            {"message": "a\nb"},
        ),
        (
            [
                USER,
                {"role": "assistant", "content": [{"type": "text", "text": "hi"}], "citations": [{}]},
                {"role": "system", "content": "s"},
                {"role": "user", "content": "u"},
            ],
            {
                "message": "u",
                "chat_history": [
                    {"role": "USER", "message": "hello"},
                    {"role": "CHATBOT", "message": "hi"},
                    {"role": "SYSTEM", "message": "s"},
                ],
            },
        ),
        (
            [USER, ASKED, RETURNED],
            {
                "message": "",
                "chat_history": [
                    {"role": "USER", "message": "hello"},
                    {"role": "CHATBOT", "message": "I look.", "tool_calls": [V1_CALL]},
                ],
                "tool_results": [{"call": V1_CALL, "outputs": [{"sky": "blue"}]}],
            },
        ),
        (
            [USER, ASKED, RETURNED, {"role": "tool", "tool_call_id": "c1", "content": "late"}, USER],
            {
                "message": "hello",
                "chat_history": [
                    {"role": "USER", "message": "hello"},
                    {"role": "CHATBOT", "message": "I look.", "tool_calls": [V1_CALL]},
                    {
                        "role": "TOOL",
                        "tool_results": [
                            {"call": V1_CALL, "outputs": [{"sky": "blue"}]},
                            {"call": V1_CALL, "outputs": [{"content": "late"}]},
                        ],
                    },
                ],
            },
        ),
        ([{"role": "assistant"}, USER], {"message": "hello", "chat_history": [{"role": "CHATBOT", "message": ""}]}),
    ],
)
def test_messages_in_front_of_chat_v1(messages: Any, wanted: Any) -> None:
    assert sent(messages=messages) == wanted


@pytest.mark.parametrize(
    ("content", "outputs"),
    [
        ("free text", [{"content": "free text"}]),
        ("", [{"content": ""}]),
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ('[{"a": 1}, 2]', [{"content": '[{"a": 1}, 2]'}]),
        ("[]", [{"content": "[]"}]),
        ('{"a": NaN}', [{"content": '{"a": NaN}'}]),
        ([{"type": "text", "text": "x"}], [{"content": "x"}]),
        ([{"type": "document", "document": {"data": '{"a": 1}'}}], [{"a": 1}]),
        ([{"type": "document", "document": {"id": "i", "data": {"a": [1, None]}}}], [{"a": [1, None]}]),
    ],
)
def test_what_a_tool_returned(content: Any, outputs: list[dict[str, Any]]) -> None:
    message = {"role": "tool", "tool_call_id": "c1", "content": content}
    assert sent(messages=[USER, ASKED, message])["tool_results"] == [{"call": V1_CALL, "outputs": outputs}]


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([], "messages: must be a list of 1 or more"),
        ([{"role": "system", "content": "s"}], "messages: must end with a message of the role user or tool"),
        ([USER, {"role": "assistant", "content": "hi"}], "messages: must end with a message of the role user or tool"),
        ([{"role": "user", "content": [IMAGE]}], "messages[0].content[0]: must be a text: the model answers chat v1"),
        (
            [USER, {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}]}, USER],
            "messages[1].content[0]: must be a text: the model answers chat v1",
        ),
        (
            [USER, ASKED, {**RETURNED, "tool_call_id": "c2"}],
            "messages[2].tool_call_id: must be the id of a tool call in a message before it",
        ),
        ([{"role": "USER", "content": "u"}], "messages[0].role: must be one of system, user, assistant, tool"),
        ([{"content": "u"}], "messages[0].role: is missing"),
        ([{"role": "user", "content": "u", "name": "n"}], "messages[0]: unknown field"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text: is missing"),
        ([{"role": "user", "content": "u" * 1001}], "messages[0].content: must be a text of 0 to 1000 characters"),
    ],
)
def test_messages_that_are_refused(messages: Any, problem: str) -> None:
    assert refusal(lambda: sent(messages=messages)).startswith(problem)


@pytest.mark.parametrize("arguments", ["[]", "{", "1", '{"a": NaN}', "[" * 100_000])
def test_arguments_that_are_no_object(arguments: str) -> None:
    call = {**CALL, "function": {"name": "weather", "arguments": arguments}}
    messages = [USER, {"role": "assistant", "tool_calls": [call]}, RETURNED]
    problem = refusal(lambda: sent(messages=messages))
    assert problem == "messages[1].tool_calls[0].function.arguments: must be a JSON object, as a text"


def test_no_tool_may_be_called_after_results() -> None:
    body = sent(messages=[USER, ASKED, RETURNED], tools=[TOOL], tool_choice="NONE")
    assert (body["tools"], body["force_single_step"]) == ([V1_TOOL], True)
    assert "tools" not in sent(tools=[TOOL], tool_choice="NONE")


def translated(given: dict[str, Any], **fields: Any) -> dict[str, Any]:
    found = chat_on_chat.document([json.dumps(given).encode()], read({"messages": [USER], **fields}))
    assert json.loads(chat_on_chat.answer([json.dumps(given).encode()], {"messages": []}).body)["message"]["role"]
    return found


def test_an_answer_of_chat_v1() -> None:
    assert translated(CHAT_ANSWER) == {
        "id": "g-1",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "a chat answer"}]},
        "usage": USAGE,
    }
    found = chat_on_chat.answer([json.dumps(CHAT_ANSWER).encode()], {})
    assert (found.generations, found.tokens_in, found.tokens_out) == (1, 3, 4)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        *((one, one) for one in ("COMPLETE", "STOP_SEQUENCE", "MAX_TOKENS", "ERROR", "TIMEOUT", "A_NEW_ONE")),
        *(("ERROR_LIMIT", "MAX_TOKENS"), ("ERROR_TOXIC", "ERROR"), ("USER_CANCEL", "ERROR"), (None, "COMPLETE")),
    ],
)
def test_why_an_answer_ended(theirs: str | None, ours: str) -> None:
    assert translated({"text": "t", "finish_reason": theirs})["finish_reason"] == ours


def test_an_answer_that_tells_little() -> None:
    found = translated({"text": "", "token_count": {"prompt_tokens": 5, "response_tokens": 6}})
    assert (found["message"]["content"], len(found["id"])) == ([{"type": "text", "text": ""}], 32)
    assert found["usage"] == {"tokens": {"input_tokens": 5, "output_tokens": 6}}
    assert "usage" not in translated({"text": "t"})


def test_tool_calls_of_an_answer() -> None:
    given = {"text": "I look.", "tool_calls": [V1_CALL, V1_CALL], "finish_reason": "COMPLETE"}
    found = translated(given)
    calls = found["message"].pop("tool_calls")
    assert found["message"] == {"role": "assistant", "tool_plan": "I look."}
    assert found["finish_reason"] == "TOOL_CALL"
    assert [json.loads(one["function"]["arguments"]) for one in calls] == [{"town": "Bern"}] * 2
    # A conversation holds the calls of many answers.
    ids = {one["id"] for one in [*calls, *translated(given)["message"]["tool_calls"]]}
    assert (len(ids), {one[:8] for one in ids}) == (4, {"weather_"})


BAD = [
    *(b"[]", b"{}", b'{"text": 1}', b'{"text": null}', b"no", b"\xff", b"[" * 100_000),
    *(b'{"text": "", "tool_calls": [1]}', b'{"text": "", "tool_calls": [{"name": "n"}]}', b'{"tool_calls": 1}'),
    *(b'{"tool_calls": [{"name": 1, "parameters": {}}]}', b'{"tool_calls": [{"name": "n", "parameters": []}]}'),
    *(b'{"text": "", "citations": [1]}', b'{"text": "", "citations": 1}', b'{"text": "", "citations": [{}]}'),
]


@pytest.mark.parametrize("content", BAD)
def test_an_answer_that_is_none_of_chat_v1(content: bytes) -> None:
    with pytest.raises(ProxyError, match="bad_answer"):
        chat_on_chat.document([content], {"messages": []})


V2_ANSWER = {
    "id": "1",
    "finish_reason": "COMPLETE",
    "message": {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "t"}],
    },
    "usage": USAGE,
    "logprobs": [{"token_ids": [1], "logprobs": [-0.5]}],
}


@pytest.mark.parametrize("given", [V2_ANSWER, {"message": {"tool_calls": [CALL]}, "finish_reason": "TOOL_CALL"}])
def test_an_answer_of_chat_v2_passes(given: dict[str, Any]) -> None:
    content = json.dumps(given).encode()
    assert chat.document([content], {}) == json.loads(chat.answer([content], {}).body) == given


@pytest.mark.parametrize(
    "content",
    [
        *(b"[]", b"{}", b"no", b'{"message": 1}', b'{"message": {}}', b'{"message": {"content": "t"}}'),
        *(b'{"message": {"content": [1]}}', b'{"message": {"content": [{"text": "t"}]}}', b'{"text": "v1"}'),
    ],
)
def test_an_answer_that_is_none_of_chat_v2(content: bytes) -> None:
    with pytest.raises(ProxyError, match="bad_answer"):
        chat.answer([content], {})


@pytest.mark.parametrize(
    ("usage", "tokens"), [(USAGE, (3, 4)), ({"tokens": USAGE["tokens"]}, (30, 5)), ({}, (None, None))]
)
def test_the_tokens_of_an_answer_of_chat_v2(usage: Any, tokens: Any) -> None:
    found = chat.answer([json.dumps({**V2_ANSWER, "usage": usage}).encode()], {})
    assert (found.tokens_in, found.tokens_out) == tokens


@pytest.mark.parametrize(("api", "given"), [("chat", CHAT_ANSWER), ("chat_v2", V2_ANSWER)])
def test_through_the_core(
    api: str, given: Any, function: Function, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API", api)
    upstream.behave = answer(200, given)
    status, _, body = Function(fresh_handler(monkeypatch).handler).post({"messages": [USER]}, path="/v2/chat")
    assert (status, body["id"], body["usage"]) == (200, given.get("generation_id", "1"), USAGE)
    assert json.loads(upstream.requests[0].partition(b"\r\n\r\n")[2]) in ({"message": "hello"}, {"messages": [USER]})
