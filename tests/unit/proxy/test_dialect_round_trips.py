"""What goes to a chat v1 container and comes back as chat v2 is whole; a field that is null is not given."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.dialects.cohere_v2 import chat_on_chat
from proxy.routes import schema
from proxy.routes.request import FieldReader
from proxy.routes.table import CHAT, CHAT_V2, GENERATE, Route

from .dialects import CHAT_ANSWER, reader

read = reader(CHAT_V2)
texts = st.text(max_size=20)
words = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2))
objects = st.dictionaries(texts, values, max_size=3)
v1_calls = st.lists(st.fixed_dictionaries({"name": words, "parameters": objects}), min_size=1, max_size=3)


def v1_body(messages: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    (body,) = chat_on_chat.requests(read({"messages": messages, **fields}))
    found: dict[str, Any] = json.loads(body)
    return found


def v2_message(given_answer: dict[str, Any], messages: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    content = json.dumps({**CHAT_ANSWER, **given_answer}).encode()
    found = chat_on_chat.document([content], read({"messages": messages, **fields}))
    message: dict[str, Any] = found["message"]
    return message


@settings(deadline=None, max_examples=50)
@given(texts, v1_calls, st.data())
def test_an_answer_with_calls_comes_back_as_it_was(plan: str, calls: list[Any], data: st.DataObject) -> None:
    """A client appends the answer and the tools' results to its messages; the model has to find its own turn there."""
    user = {"role": "user", "content": "u"}
    message = v2_message({"text": plan, "tool_calls": calls}, [user])
    outputs = [data.draw(st.lists(objects, min_size=1, max_size=2)) for _ in calls]
    results = [
        {
            "role": "tool",
            "tool_call_id": call["id"],
            "content": [{"type": "document", "document": {"data": one}} for one in several],
        }
        for call, several in zip(message["tool_calls"], outputs, strict=True)
    ]
    body = v1_body([user, message, *results])
    assert body["message"] == ""
    assert body["chat_history"][1] == {"role": "CHATBOT", "message": plan, "tool_calls": calls}
    assert body["tool_results"] == [
        {"call": call, "outputs": several} for call, several in zip(calls, outputs, strict=True)
    ]
    # And what it cites of them is found, by the ids that chat v1 makes.
    ids = [f"{call['name']}:{number}:2:0" for number, call in enumerate(calls)]
    cited = [{"start": 0, "end": 1, "text": "x", "document_ids": ids}]
    (citation,) = v2_message({"citations": cited}, [user, message, *results])["citations"]
    assert [one["tool_output"] for one in citation["sources"]] == [several[0] for several in outputs]
    assert [one["id"] for one in citation["sources"]] == [f"{one['tool_call_id']}:0" for one in results]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), texts), max_size=6), texts)
def test_no_message_is_lost_and_none_changes_its_place(turns: list[tuple[str, str]], last: str) -> None:
    messages = [{"role": role, "content": content} for role, content in [*turns, ("user", last)]]
    body = v1_body(messages)
    roles = {"USER": "user", "CHATBOT": "assistant", "SYSTEM": "system"}
    back = [{"role": roles[turn["role"]], "content": turn["message"]} for turn in body.get("chat_history", [])]
    first = [{"role": "system", "content": body["preamble"]}] if "preamble" in body else []
    assert [*first, *back, {"role": "user", "content": body["message"]}] == messages


@settings(deadline=None)
@given(st.lists(texts | objects.map(lambda data: {"data": {**data, "id": None}}), max_size=3))
def test_a_cited_document_comes_back_as_it_was(documents: list[Any]) -> None:
    user = [{"role": "user", "content": "u"}]
    sent = v1_body(user, documents=documents).get("documents", [])
    assert all(isinstance(text, str) for one in sent for text in one.values())
    cited = [{"start": 0, "end": 1, "text": "x", "document_ids": [one["id"] for one in sent]}] if sent else []
    message = v2_message({"citations": cited}, user, documents=documents)
    found = [source["document"] for citation in message.get("citations", []) for source in citation["sources"]]
    data = [{"content": one} if isinstance(one, str) else one["data"] for one in documents]
    assert found == [{**one, "id": f"doc:{number}"} for number, one in enumerate(data)]


LIMITS = {"MAX_TOKENS": 100, "MAX_GENERATIONS": 3, "MAX_PROMPT_CHARACTERS": 20}
BASES: dict[str, dict[str, Any]] = {
    "chat.json": {"message": "m"},
    "chat_v2.json": {"messages": [{"role": "user", "content": "u"}]},
}


@pytest.mark.parametrize("route", [CHAT, CHAT_V2, GENERATE], ids=lambda route: route.name)
def test_every_field_at_the_top_takes_null(route: Route) -> None:
    rules = schema.read(route.schema, LIMITS)
    base = BASES.get(route.schema, {"prompt": "p"})
    for name in rules["properties"]:
        if name not in rules["required"]:
            found = FieldReader(route, LIMITS).read(json.dumps({**base, name: None}).encode())
            assert found == base
