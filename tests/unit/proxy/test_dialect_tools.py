"""Chat v2's tools and citations in front of a chat v1 container."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.dialects.cohere_v2 import chat_on_chat
from proxy.routes.table import CHAT_V2

from .dialects import reader, refusal

read = reader(CHAT_V2)
USER = {"role": "user", "content": "hello"}


def tool(parameters: Any, **function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters, **function}}


def sent(*tools: dict[str, Any]) -> list[dict[str, Any]]:
    (body,) = chat_on_chat.requests(read({"messages": [USER], "tools": list(tools)}))
    found: list[dict[str, Any]] = json.loads(body)["tools"]
    return found


def parameter(rules: Any) -> dict[str, Any]:
    definitions: dict[str, Any] = sent(tool({"type": "object", "properties": {"a": rules}}))[0]["parameter_definitions"]
    assert list(definitions) == ["a"]
    found: dict[str, Any] = definitions["a"]
    return found


@pytest.mark.parametrize(
    ("rules", "kind"),
    [
        ({"type": "string"}, "str"),
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "float"),
        ({"type": "boolean"}, "bool"),
        ({"type": "array"}, "List"),
        ({"type": "array", "items": {"type": "string"}}, "List[str]"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, "List[List[float]]"),
        ({"type": "object"}, "Dict"),
        ({"type": "object", "additionalProperties": True}, "Dict"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "Dict[str, int]"),
        ({"type": ["string", "null"]}, "Optional[str]"),
        ({"type": ["string", "integer"]}, "Union[str, int]"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "Optional[str]"),
        ({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "integer"}]}, "Union[List[str], int]"),
        ({"title": "A", "type": "string"}, "str"),
    ],
)
def test_types_are_those_of_python(rules: dict[str, Any], kind: str) -> None:
    assert parameter(rules) == {"type": kind, "required": False}


@pytest.mark.parametrize(
    ("rules", "description"),
    [
        ({"description": "What it is."}, "What it is."),
        ({"enum": ["a", 1, None]}, "Possible enum values: a, 1, null."),
        ({"const": "a"}, "Possible enum values: a."),
        ({"description": "What.", "enum": ["a", "b"]}, "What. Possible enum values: a, b."),
        ({"description": "What.", "default": "a"}, "What. The default value is: a."),
        ({"default": [1]}, "The default value is: [1]."),
    ],
)
def test_descriptions_say_what_types_do_not(rules: dict[str, Any], description: str) -> None:
    """As Cohere's page about parameter types writes them."""
    assert parameter({"type": "string", **rules})["description"] == description


def test_a_whole_tool() -> None:
    properties = {"a": {"type": "string"}, "b": {"type": "integer"}}
    schema = {"type": "object", "properties": properties, "required": ["b"], "additionalProperties": False}
    (found,) = sent(tool({**schema, "title": "F", "description": "More."}, description="What it does."))
    assert (found["name"], found["description"]) == ("f", "What it does.\nMore.")
    assert {name: one["required"] for name, one in found["parameter_definitions"].items()} == {"a": False, "b": True}
    # Chat v1 wants a description.
    assert sent(tool(None)) == [{"name": "f", "description": "f"}]


CANARY = "zxcvbnm_secret"


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"properties": {"a": {"type": "string", "pattern": CANARY}}}, "property 1 may have type, anyOf, items"),
        ({"properties": {"a": {"type": "string"}, "b": {"type": CANARY}}}, "property 2 must have a type"),
        ({"properties": {"a": {}}}, "property 1 must have a type"),
        ({"properties": {"a": True}}, "property 1 must be an object"),
        ({"properties": {CANARY + "-": {"type": "string"}}}, "property 1: its name must hold only letters, digits"),
        ({"properties": {"a": {"type": "object", "properties": {CANARY: {}}}}}, "property 1 may have type"),
        ({"properties": {"a": {"type": "array", "items": {"enum": [CANARY]}}}}, "property 1 may have type, anyOf"),
        ({"properties": {"a": {"anyOf": []}}}, "property 1 must have a type"),
        ({"properties": {"a": {"anyOf": [{"type": "null"}]}}}, "property 1 must have a type"),
        ({"properties": {"a": {"$ref": CANARY}}}, "property 1 may have type"),
        ({"properties": {"a": {"type": "string", "description": 1}}}, "property 1 must have a text as description"),
        ({"properties": {"a": {"type": "string", "enum": CANARY}}}, "property 1 must have a text as description and"),
        ({"type": "string"}, "must be the JSON Schema of an object"),
        ({"properties": []}, "must be the JSON Schema of an object"),
        ({"required": "a"}, "must be the JSON Schema of an object"),
        ({"required": [CANARY]}, "required must name properties"),
        ({"required": [{}]}, "required must name properties"),
        ({"additionalProperties": {"type": "string"}}, "additionalProperties must be true, false or left out"),
        ({"$defs": {}}, "the schema may have type, properties, required"),
    ],
)
def test_what_chat_v1_cannot_say_is_refused_without_repeating_it(parameters: Any, problem: str) -> None:
    found = refusal(lambda: sent(tool({"type": "object"}), tool(parameters)))
    assert found.startswith(f"tools[1].function.parameters: {problem}")
    assert CANARY not in found


@pytest.mark.parametrize("name", ["get-weather", "1st", "a b", "ä"])
def test_names_that_chat_v1_does_not_take(name: str) -> None:
    found = refusal(lambda: sent(tool({}, name=name)))
    assert found.startswith("tools[0].function.name: must hold only letters, digits and _, with no digit first: ")


def test_a_type_that_is_nested_too_deeply() -> None:
    rules: dict[str, Any] = {"type": "string"}
    for _ in range(3000):
        rules = {"type": "array", "items": rules}
    fields = {"messages": [USER], "tools": [tool({"properties": {"a": rules}})]}
    assert refusal(lambda: chat_on_chat.requests(fields)) == "tools: must be nested less deeply"


keywords = st.sampled_from(["type", "items", "anyOf", "properties", "required", "enum", "description", "x"])
schemas = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["string", "array", "object", "null", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keywords, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(keywords, schemas, max_size=4))
def test_every_schema_is_translated_or_refused(parameters: dict[str, Any]) -> None:
    found = refusal(lambda: chat_on_chat.requests({"messages": [USER], "tools": [tool(parameters)]}))
    assert not found or found.startswith("tools[0].function.parameters: ")


# Two turns of tools, a document of each kind, and the ids that chat v1 gives to them.
def call(name: str, tool_call_id: str) -> dict[str, Any]:
    return {"id": tool_call_id, "type": "function", "function": {"name": name, "arguments": "{}"}}


REQUEST = read(
    {
        "messages": [
            {"role": "system", "content": "s"},
            USER,
            {"role": "assistant", "tool_calls": [call("place", "c1")]},
            {"role": "tool", "tool_call_id": "c1", "content": '{"town": "Bern"}'},
            {"role": "assistant", "tool_calls": [call("sky", "c2"), call("sky", "c3")]},
            {"role": "tool", "tool_call_id": "c2", "content": '[{"sky": "blue"}, {"sky": "red"}]'},
            {
                "role": "tool",
                "tool_call_id": "c3",
                "content": [{"type": "document", "document": {"id": "own", "data": {"sky": "grey"}}}],
            },
        ],
        "documents": ["a text", {"id": "d", "data": {"year": 2026}}],
    }
)
TOOL_SOURCES: dict[str, tuple[str, dict[str, Any]]] = {
    "place:0:2:0": ("c1:0", {"town": "Bern"}),
    "sky:0:4:1": ("c2:1", {"sky": "red"}),
    "sky:0:1": ("c2:1", {"sky": "red"}),
    "sky:1:4:0": ("own", {"sky": "grey"}),
    "web:9:9:9": ("web:9:9:9", {"found": "x"}),
}
DOCUMENT_SOURCES: dict[str, dict[str, Any]] = {
    "doc:0": {"id": "doc:0", "content": "a text"},
    "d": {"id": "d", "year": 2026},
    "told": {"id": "told", "text": "by the container"},
    "nobody's": {"id": "nobody's"},
}
TOLD = [{"id": "web:9:9:9", "tool_name": "web", "found": "x"}, {"id": "told", "text": "by the container"}, 1]


@pytest.mark.parametrize("name", [*TOOL_SOURCES, *DOCUMENT_SOURCES])
def test_a_citation_repeats_its_source(name: str) -> None:
    citation = {"start": 1, "end": 4, "text": "sky", "document_ids": [name]}
    given = {"text": "a sky", "citations": [citation], "documents": TOLD}
    (found,) = chat_on_chat.document([json.dumps(given).encode()], REQUEST)["message"]["citations"]
    if name in TOOL_SOURCES:
        own, output = TOOL_SOURCES[name]
        source: dict[str, Any] = {"type": "tool", "id": own, "tool_output": output}
    else:
        source = {"type": "document", "id": name, "document": DOCUMENT_SOURCES[name]}
    place = {"start": 1, "end": 4, "text": "sky"}
    assert found == {**place, "sources": [source], "content_index": 0, "type": "TEXT_CONTENT"}


def test_a_citation_of_a_plan_is_of_no_content() -> None:
    citation = {"start": 0, "end": 1, "text": "I", "document_ids": ["d", "doc:0"], "type": "PLAN"}
    given = {"text": "I look.", "tool_calls": [{"name": "f", "parameters": {}}], "citations": [citation]}
    (found,) = chat_on_chat.document([json.dumps(given).encode()], REQUEST)["message"]["citations"]
    assert (found["type"], "content_index" in found, len(found["sources"])) == ("PLAN", False, 2)
