"""The stand-in behind a package that answers version 2 of the chat body."""

import json
from typing import Any

import pytest

from local_aws.container import Container

CONTAINER = Container.from_settings(None, None)
DOCUMENTS: list[Any] = [
    {"data": {"title": "Tall penguins", "snippet": "Emperor penguins are the tallest."}},
    {"id": "homes", "data": {"snippet": "Emperor penguins only live in Antarctica."}},
    "Apples are red.",
]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "weather of a city", "parameters": PARAMETERS},
}
TIME = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
ASKED = {"role": "user", "content": "What is the weather in Toronto?"}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Toronto"}'}}
CALLED = {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [CALL]}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def ask(content: Any = "Write a post", **fields: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"messages": [user(content)], **fields}).encode()
    status, _, answer = CONTAINER.handle(body, "application/json", "chat_v2")
    return status, json.loads(answer)


def answer(content: Any = "Write a post", **fields: Any) -> dict[str, Any]:
    status, found = ask(content, **fields)
    assert status == 200, found
    return found


def events(content: str = "Write a post", **fields: Any) -> list[dict[str, Any]]:
    body = json.dumps({"messages": [user(content)], "stream": True, **fields}).encode()
    status, _, pieces = CONTAINER.stream(body, "application/json", "chat_v2")
    assert status == 200
    return [json.loads(piece) for piece in pieces]


def kinds(found: list[dict[str, Any]]) -> list[str]:
    """Return the types of events in their order, each once in a row."""
    names = [str(event["type"]) for event in found]
    return [name for name, before in zip(names, ["", *names], strict=False) if name != before]


def messages_of(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event["delta"]["message"] for event in found if event["type"] == kind]


def test_the_answers_shape() -> None:
    found = answer(max_tokens=12)
    assert set(found) == {"id", "message", "finish_reason", "usage"}
    (content,) = found["message"]["content"]
    assert (set(content), content["type"], found["message"]["role"]) == ({"type", "text"}, "text", "assistant")
    assert found["finish_reason"] == "MAX_TOKENS"
    assert found["usage"]["tokens"] == found["usage"]["billed_units"] == {"input_tokens": 3, "output_tokens": 12}


def test_a_seed_repeats_itself_and_a_stop_sequence_ends_the_text_before_it() -> None:
    assert answer(seed=3)["message"] == answer(seed=3)["message"]
    stopped = answer(temperature=0, stop_sequences=["."], max_tokens=200)
    assert stopped["finish_reason"] == "STOP_SEQUENCE"
    assert "." not in stopped["message"]["content"][0]["text"]


def test_a_long_max_tokens_is_capped() -> None:
    assert answer(max_tokens=10**9, documents=["Short."])["finish_reason"] == "COMPLETE"


def test_only_the_users_last_message_counts() -> None:
    roles = [{"role": "system", "content": "Rhyme."}, {"role": "developer", "content": [{"type": "text", "text": "."}]}]
    before = [*roles, user("Write a post"), {"role": "assistant", "content": "Which one?"}]
    found = answer(messages=[*before, user([{"type": "text", "text": "Any"}, IMAGE])], seed=1, max_tokens=5)
    assert found["message"] == answer("Any", seed=1, max_tokens=5)["message"]
    assert found["usage"]["tokens"]["input_tokens"] > 10


def test_log_probabilities() -> None:
    found = answer(logprobs=True, seed=2, max_tokens=8)
    assert "".join(one["text"] for one in found["logprobs"]) == found["message"]["content"][0]["text"]
    assert all(len(one["token_ids"]) == len(one["logprobs"]) == 1 for one in found["logprobs"])
    assert all(one["logprobs"][0] < 0 for one in found["logprobs"])
    deltas = [event for event in events(logprobs=True, seed=2, max_tokens=8) if event["type"] == "content-delta"]
    assert [event["logprobs"] for event in deltas] == found["logprobs"]


def test_an_answer_quotes_the_documents_that_fit_the_question() -> None:
    found = answer("Where do emperor penguins live?", documents=DOCUMENTS)
    (content,) = found["message"]["content"]
    sources = [one["sources"][0] for one in found["message"]["citations"]]
    homes = {"id": "homes", "snippet": "Emperor penguins only live in Antarctica."}
    assert sources[0] == {"type": "document", "id": "homes", "document": homes}
    assert sources[1]["id"] == "doc:0"
    for one in found["message"]["citations"]:
        assert content["text"][one["start"] : one["end"]] == one["text"]
        assert (one["type"], one["content_index"]) == ("TEXT_CONTENT", 0)
    off = answer("Where?", documents=DOCUMENTS, citation_options={"mode": "OFF"})
    assert "citations" not in off["message"]


def test_documents_in_a_message_are_quoted_too() -> None:
    part = {"type": "document", "document": {"id": "a", "data": "Apples are green."}}
    found = answer([{"type": "text", "text": "Which color?"}, part])
    assert found["message"]["content"][0]["text"] == "The documents say: Apples are green."
    assert found["message"]["citations"][0]["sources"][0]["document"] == {"id": "a", "content": "Apples are green."}


def test_a_question_that_names_a_tool_calls_it() -> None:
    found = answer("What is the weather in Toronto?", tools=[WEATHER, TIME])
    (call,) = found["message"]["tool_calls"]
    assert call["id"].startswith("get_weather_")
    assert call["function"] == {"name": "get_weather", "arguments": '{"city": "Toronto"}'}
    assert found["finish_reason"] == "TOOL_CALL"
    assert found["message"]["tool_plan"] == "I will use get_weather."
    assert "content" not in found["message"]


@pytest.mark.parametrize(
    ("content", "choice", "called"),
    [
        ("Hello", None, False),
        ("Hello", "REQUIRED", True),
        ("The weather?", None, True),
        ("The weather?", "NONE", False),
    ],
)
def test_the_choice_of_tools(content: str, choice: str | None, called: bool) -> None:
    found = answer(content, tools=[WEATHER], tool_choice=choice, max_tokens=3)
    assert (found["finish_reason"] == "TOOL_CALL", "tool_calls" in found["message"]) == (called, called)


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ('{"sky": "clear"}', {"sky": "clear"}),
        ("clear", {"content": "clear"}),
        ([{"type": "document", "document": {"data": {"sky": "clear"}}}], {"sky": "clear"}),
    ],
)
def test_the_results_of_a_tool_are_quoted(content: Any, output: dict[str, str]) -> None:
    result = {"role": "tool", "tool_call_id": "c1", "content": content}
    found = answer(messages=[ASKED, CALLED, result], tools=[WEATHER])
    assert found["finish_reason"] == "COMPLETE"
    assert found["message"]["content"][0]["text"].startswith("The tools returned: ")
    (citation,) = found["message"]["citations"]
    assert citation["sources"] == [{"type": "tool", "id": "c1:0", "tool_output": output}]


def test_a_structured_answer() -> None:
    assert isinstance(
        json.loads(answer(response_format={"type": "json_object"})["message"]["content"][0]["text"]), dict
    )
    schema = {
        "type": "object",
        "required": ["color"],
        "properties": {
            "color": {"enum": ["red", "green"]},
            "when": {"type": "string", "format": "date"},
            "sizes": {"type": "array", "items": {"type": "number", "minimum": 5}, "minItems": 2},
            "next": {"anyOf": [{"$ref": "#/$defs/size"}, {"type": "null"}]},
            "kind": {"const": 7},
            "maybe": {"type": ["null", "string"]},
        },
        "$defs": {"size": {"type": "integer", "maximum": 2}},
    }
    found = answer("A green one of 3", response_format={"type": "json_object", "json_schema": schema})
    assert json.loads(found["message"]["content"][0]["text"]) == {
        "color": "green",
        "when": "2025-01-31",
        "sizes": [5, 5],
        "next": 2,
        "kind": 7,
        "maybe": None,
    }


def test_a_schema_that_refers_to_itself_ends() -> None:
    schema = {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}}}
    found = answer(response_format={"type": "json_object", "json_schema": schema})
    inner, depth = json.loads(found["message"]["content"][0]["text"]), 0
    while inner is not None:
        inner, depth = inner["next"], depth + 1
    assert depth > 2


def test_thinking_comes_before_the_answer() -> None:
    fields: dict[str, Any] = {"thinking": {"type": "enabled", "token_budget": 3}, "max_tokens": 3}
    thought, text = answer(**fields)["message"]["content"]
    assert (thought, text["type"]) == ({"type": "thinking", "thinking": "The user wrote"}, "text")
    found = events(**fields)
    blocks = [(event["index"], event["type"]) for event in found if event["type"] in ("content-start", "content-end")]
    assert blocks == [(0, "content-start"), (0, "content-end"), (1, "content-start"), (1, "content-end")]
    assert len(answer(thinking={"type": "disabled"}, max_tokens=3)["message"]["content"]) == 1


def test_a_stream_of_text_and_citations() -> None:
    found = events("Where do emperor penguins live?", documents=DOCUMENTS[:2])
    assert kinds(found) == [
        *("message-start", "content-start", "content-delta", "citation-start", "citation-end"),
        *("citation-start", "citation-end", "content-end", "message-end"),
    ]
    assert [event["index"] for event in found if event["type"] == "citation-start"] == [0, 1]
    text = "".join(message["content"]["text"] for message in messages_of(found, "content-delta"))
    for message in messages_of(found, "citation-start"):
        cited = message["citations"]
        assert text[cited["start"] : cited["end"]] == cited["text"]
    assert found[-1]["delta"]["finish_reason"] == "COMPLETE"
    assert found[-1]["delta"]["usage"]["tokens"]["output_tokens"] == len(messages_of(found, "content-delta"))


def test_a_stream_of_calls() -> None:
    found = events("Weather and clock of Toronto", tools=[WEATHER, TIME])
    assert kinds(found) == [
        *("message-start", "tool-plan-delta", "tool-call-start", "tool-call-delta", "tool-call-end"),
        *("tool-call-start", "tool-call-delta", "tool-call-end", "message-end"),
    ]
    plan = "".join(message["tool_plan"] for message in messages_of(found, "tool-plan-delta"))
    assert plan == "I will use get_weather and clock."
    starts = [message["tool_calls"]["function"] for message in messages_of(found, "tool-call-start")]
    assert starts == [{"name": "get_weather", "arguments": ""}, {"name": "clock", "arguments": ""}]
    written = {0: "", 1: ""}
    for event in found:
        if event["type"] == "tool-call-delta":
            written[event["index"]] += event["delta"]["message"]["tool_calls"]["function"]["arguments"]
    assert {index: json.loads(text) for index, text in written.items()} == {0: {"city": "Toronto"}, 1: {}}
    assert found[-1]["delta"]["finish_reason"] == "TOOL_CALL"


def test_server_sent_events() -> None:
    body = json.dumps({"messages": [user("A post")], "stream": True, "max_tokens": 2}).encode()
    _, kind, pieces = CONTAINER.stream(body, "application/json", "chat_v2", server_sent=True)
    first, *_ = found = [piece.decode() for piece in pieces]
    assert kind == "text/event-stream"
    assert first.startswith("event: message-start\ndata: {")
    assert all(piece.endswith("}\n\n") for piece in found)


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"messages": None}, 400, "messages must have at least one message"),
        ({"messages": "hi"}, 422, "messages must be a list of objects"),
        ({"messages": [{"content": "hi"}]}, 400, "messages[0].role is missing"),
        ({"messages": [{"role": "USER", "content": "hi"}]}, 400, "messages[0].role must be one of system, developer"),
        ({"messages": [user("")]}, 400, "messages[0].content must be at least 1 token long"),
        ({"messages": [user(None)]}, 422, "messages[0].content must be a string or a list"),
        ({"messages": [user([{"type": "audio"}])]}, 400, "type in messages[0].content must be one of text, image_url"),
        ({"messages": [user([{"type": "text", "text": 1}])]}, 422, "text in messages[0].content must be a string"),
        (
            {"messages": [user([{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}])]},
            400,
            "must be the data URI of an image",
        ),
        ({"messages": [user([{"type": "document", "document": 1}])]}, 422, "must be a string, or an object with data"),
        ({"messages": [ASKED, {"role": "assistant", "content": "a"}]}, 400, "the last message must have the role user"),
        ({"messages": [ASKED, {"role": "assistant"}, ASKED]}, 400, "messages[1] must have content or tool_calls"),
        ({"messages": [ASKED, {"role": "assistant", "tool_calls": [{"id": "a"}]}, ASKED]}, 422, "must have an id"),
        (
            {"messages": [ASKED, CALLED, {"role": "tool", "tool_call_id": "other", "content": "a"}]},
            400,
            "messages[2].tool_call_id must be the id of a tool call before it",
        ),
        ({"documents": "a"}, 422, "documents must be a list"),
        ({"documents": [{"text": "a"}]}, 422, "documents[0] must be a string, or an object with data"),
        ({"tools": [{"function": {"name": "a"}}]}, 400, "tools[0] must have the type function and function.name"),
        ({"tools": [TIME], "strict_tools": True}, 400, "tools[0] must have a required parameter with strict_tools"),
        ({"tool_choice": "REQUIRED"}, 400, "tools must be specified with tool_choice"),
        ({"tools": [TIME], "tool_choice": "auto"}, 400, "tool_choice must be one of REQUIRED, NONE"),
        ({"response_format": {"type": "json_object"}, "tools": [TIME]}, 400, "is not supported with tools"),
        ({"response_format": {"json_schema": PARAMETERS}}, 400, "needs the type json_object"),
        (
            {"response_format": {"type": "json_object", "json_schema": {**PARAMETERS, "required": []}}},
            400,
            "every object in response_format.json_schema must have at least one required field",
        ),
        ({"citation_options": {"mode": "best"}}, 400, "citation_options.mode must be one of"),
        ({"safety_mode": "NONE"}, 400, "safety_mode must be one of CONTEXTUAL, STRICT, OFF"),
        ({"thinking": {"token_budget": 1}}, 400, "thinking.type is missing"),
        ({"thinking": {"type": "enabled", "token_budget": 0}}, 400, "token_budget must be an integer of 1 or more"),
        ({"temperature": 1.5}, 400, "temperature must be between 0 and 1.0 inclusive"),
        ({"frequency_penalty": 2}, 400, "frequency_penalty must be between 0 and 1 inclusive"),
        ({"logprobs": 1}, 422, "logprobs must be a boolean"),
    ],
)
def test_what_it_refuses(fields: dict[str, Any], status: int, message: str) -> None:
    found, refused = ask(**fields)
    assert (found, message in refused["message"]) == (status, True), refused
