"""Whatever a body holds, the container answers it or refuses it: 500 would be a fault of the stand-in."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from local_aws.container import Container

CONTAINER = Container.from_settings(None, None)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["", "a", "text"])
NAMES = st.sampled_from(
    [
        *(
            "role",
            "content",
            "message",
            "type",
            "text",
            "document",
            "data",
            "id",
            "image_url",
            "url",
            "function",
            "name",
        ),
        *(
            "parameters",
            "properties",
            "required",
            "arguments",
            "tool_call_id",
            "tool_calls",
            "call",
            "outputs",
            "items",
        ),
        *(
            "parameter_definitions",
            "schema",
            "json_schema",
            "enum",
            "$ref",
            "anyOf",
            "mode",
            "token_budget",
            "_excludes",
        ),
    ]
)
VALUES = st.recursive(
    SCALARS | st.sampled_from(["user", "USER", "tool", "TOOL", "assistant", "object", "json_object", "function", "#"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
FIELDS = {
    "chat": [
        *(
            "message",
            "chat_history",
            "documents",
            "tools",
            "tool_results",
            "response_format",
            "preamble",
            "safety_mode",
        ),
        *("citation_quality", "prompt_truncation", "search_queries_only", "force_single_step", "stop_sequences", "p"),
    ],
    "chat_v2": [
        *("messages", "documents", "tools", "tool_choice", "strict_tools", "response_format", "citation_options", "k"),
        *("thinking", "safety_mode", "logprobs", "stop_sequences", "temperature", "seed"),
    ],
    "embed": [
        "texts",
        "images",
        "inputs",
        "input_type",
        "embedding_types",
        "truncate",
        "output_dimension",
        "max_tokens",
    ],
    "rerank": ["query", "documents", "top_n", "rank_fields", "return_documents", "api_version", "max_tokens_per_doc"],
}
VALID: dict[str, dict[str, Any]] = {
    "chat": {"message": "a", "max_tokens": 2},
    "chat_v2": {"messages": [{"role": "user", "content": "a"}], "max_tokens": 2},
    "embed": {"texts": ["a"], "input_type": "search_query"},
    "rerank": {"query": "a", "documents": ["a"], "api_version": 2},
}


@pytest.mark.parametrize("api", VALID)
@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_any_body_is_answered_or_refused(api: str, data: st.DataObject) -> None:
    fields = data.draw(st.dictionaries(st.sampled_from(FIELDS[api]), VALUES, max_size=3))
    body = {**VALID[api], **fields, "stream": data.draw(st.booleans())}
    status, _, pieces = CONTAINER.stream(json.dumps(body).encode(), "application/json", api, "cohere-x-v4-1")
    assert status in (200, 400, 422), body
    assert all(isinstance(json.loads(piece), dict) for piece in pieces)


@settings(deadline=None, max_examples=80)
@given(VALUES)
@example({"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}, "required": ["a"]})
@example({"type": "object", "properties": {"a": {"enum": []}}, "required": 1})
def test_any_schema_is_filled_or_refused(schema: Any) -> None:
    tool = {"type": "function", "function": {"name": "a", "parameters": schema}}
    for fields in (
        {"response_format": {"type": "json_object", "json_schema": schema}},
        {"tools": [tool], "tool_choice": "REQUIRED"},
    ):
        body = json.dumps({**VALID["chat_v2"], **fields}).encode()
        assert CONTAINER.handle(body, "application/json", "chat_v2")[0] in (200, 400, 422), body
