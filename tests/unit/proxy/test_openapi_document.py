"""docs/openapi.yaml: what it says of routes, answers, streams and errors is what the proxy does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from local_aws.container import embed, rerank
from proxy.dialects import framing, models
from proxy.dialects.errors import document_of
from proxy.errors import STATUS, ProxyError
from proxy.http import Request
from proxy.routes import schema, table
from proxy.routes.table import ROUTES, Route
from proxy.settings import Endpoint
from stacks import openapi
from stacks.openapi.reference import takes

from .stand_ins import ask

DOCUMENT = openapi.document()
LIMITS = dict.fromkeys(table.LIMITS, 5)
OPERATIONS = [(route, path) for route in ROUTES for path in route.paths]
USAGE = {"billed_units": {"input_tokens": 3, "output_tokens": 5}, "tokens": {"input_tokens": 70, "output_tokens": 6}}
CALL = {"id": "w1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
TEXTS = {"texts": ["one", "two"], "input_type": "search_query"}
CONVERSATION = {"messages": [{"role": "user", "content": "hello"}]}
DOCUMENTS = {"query": "bread", "documents": ["bread", "water"]}
ENDPOINTS = (Endpoint("cohere-test", "chat", ("gpt-4o",)),)


def operation(route: Route, path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path or route.path][route.method.lower()]
    return found


def resolved(value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in value:
        return value
    found: Any = DOCUMENT
    for step in value["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def check(rules: dict[str, Any], answer: Any) -> None:
    """Check an answer against a schema of the document."""
    Draft202012Validator({**rules, "components": DOCUMENT["components"]}).validate(answer)


def json_schema(route: Route, status: str = "200") -> dict[str, Any]:
    response = resolved(operation(route)["responses"][status])
    found: dict[str, Any] = response["content"]["application/json"]["schema"]
    return found


def test_it_is_openapi() -> None:
    validate(DOCUMENT)


def test_it_has_every_route_and_no_other() -> None:
    found = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert found == {(route.method, path) for route, path in OPERATIONS}


@pytest.mark.parametrize(("route", "path"), OPERATIONS, ids=[path for _, path in OPERATIONS])
def test_the_body_is_that_of_the_route(route: Route, path: str) -> None:
    found = operation(route, path)
    assert ("requestBody" in found) == bool(route.schema)
    if route.schema:
        body = found["requestBody"]["content"]["application/json"]["schema"]
        assert set(resolved(body)["properties"]) == set(schema.read(route.schema, LIMITS)["properties"])


@pytest.mark.parametrize("route", [one for one in ROUTES if one.translations], ids=lambda one: one.name)
def test_every_status_is_there_with_the_dialect_s_error(route: Route) -> None:
    assert {str(status) for status in STATUS.values()} <= set(operation(route)["responses"])
    for code, status in STATUS.items():
        error = ProxyError(code, "m", field="f")
        rules = json_schema(route, str(status))
        assert rules["$ref"].endswith("OpenAIError" if route.dialect == "openai" else "/Error")
        check(rules, document_of(error, route.dialect, "request-1"))
        headers = resolved(operation(route)["responses"][str(status)])["headers"]
        assert set(error.headers) <= set(headers)


@pytest.mark.parametrize("route", [one for one in ROUTES if one.translations], ids=lambda one: one.name)
def test_streams(route: Route) -> None:
    content = set(operation(route)["responses"]["200"]["content"]) - {"application/json"}
    accepts = ("*/*", "application/json", "text/event-stream")
    kinds = {framing.choose(route.name, accept).media_type for accept in accepts}
    assert content == (kinds if route.streams else set())


def answered(route: Route, api: str, body: dict[str, Any], container: Callable[[dict[str, Any]], Any]) -> None:
    check(json_schema(route), ask(route, api, body, container))


@pytest.mark.parametrize(
    "package", ["cohere-embed-v4-1", "cohere-embed-english-v3-8", "cohere-multilingual-small-v2-2"]
)
def test_answers_of_embed(package: str) -> None:
    container = lambda document: embed.answer(document, package)  # noqa: E731
    for route in (table.EMBED, table.EMBED_V2):
        answered(route, "embed", TEXTS, container)
        answered(route, "embed", {**TEXTS, "embedding_types": ["float", "base64"]}, container)
    for form in ("float", "base64"):
        answered(table.EMBEDDINGS, "embed", {"input": "one", "encoding_format": form}, container)


@pytest.mark.parametrize("route", [table.RERANK, table.RERANK_V2], ids=lambda one: one.name)
def test_answers_of_rerank(route: Route) -> None:
    answered(
        route, "rerank", {**DOCUMENTS, "return_documents": True}, lambda body: rerank.answer(body, "cohere-rerank-v3-5")
    )


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "good"}]},
        {"role": "assistant", "tool_plan": "I look.", "tool_calls": [CALL]},
    ],
)
def test_answers_of_chat_v2(message: dict[str, Any]) -> None:
    answer = {"id": "c-1", "finish_reason": "COMPLETE", "message": message, "usage": USAGE}
    for route in (table.CHAT_V2, table.CHAT_COMPLETIONS):
        answered(route, "chat_v2", CONVERSATION, lambda _: answer)


def test_answers_of_chat_v1() -> None:
    answer = {"text": "good", "generation_id": "g-1", "finish_reason": "COMPLETE", "meta": USAGE}
    answered(table.CHAT, "chat", {"message": "hello"}, lambda _: answer)
    answered(table.GENERATE, "chat", {"prompt": "hello"}, lambda _: answer)
    for route in (table.CHAT_V2, table.CHAT_COMPLETIONS):
        answered(route, "chat", CONVERSATION, lambda _: answer)


def test_lists_of_models() -> None:
    request = Request("GET", "/v1/models", {}, {}, "", 0, lambda _: b"")
    for route, content in (
        (table.MODELS, models.cohere_list(ENDPOINTS, request)),
        (table.MODEL, models.cohere_one(ENDPOINTS, "gpt-4o")),
        (table.OPENAI_MODELS, models.openai_list(ENDPOINTS)),
        (table.OPENAI_MODEL, models.openai_one(ENDPOINTS, "gpt-4o")),
    ):
        check(json_schema(route), json.loads(content))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"enum": ["a", False, 1, None]}, "`a`, `false`, `1`"),
        ({"type": ["string", "null"], "minLength": 1}, "string, 1 or more characters"),
        ({"type": "string", "maxLength": 7}, "string, 0 to 7 characters"),
        ({"type": "integer", "minimum": 1, "maximum": 1}, "integer, 1"),
        ({"type": "number"}, "number"),
        ({"type": "null"}, "nothing"),
        ({"type": ["object", "null"]}, "object"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, "list of `a`, `b`"),
        ({"type": "array", "minItems": 1, "maxItems": 9, "items": {"type": "string"}}, "list of texts, 1 to 9"),
        ({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "object"}]}}, "list of texts or objects"),
        (
            {
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "items": {"type": "string"}},
                    {"type": "null"},
                ]
            },
            "string (1 or more characters) or list of texts",
        ),
        ({"anyOf": [{"enum": ["a", "b"]}, {"type": "object"}]}, "`a`, `b` or object"),
    ],
)
def test_what_a_field_takes_in_words(rules: dict[str, Any], words: str) -> None:
    assert takes(rules) == words


def test_the_reference_has_every_field_of_every_route() -> None:
    text = openapi.readme()
    for route in ROUTES:
        if route.schema:
            section = text.partition(f"### `{route.path}`")[2].partition("\n### ")[0]
            for name in schema.read(route.schema, LIMITS)["properties"]:
                assert f"| `{name}` |" in section


@pytest.mark.parametrize(
    ("path", "wanted"), [(openapi.PATH, openapi.text), (openapi.README, openapi.readme)], ids=["openapi", "readme"]
)
def test_the_generated_documents_are_fresh(path: Path, wanted: Callable[[], str]) -> None:
    assert path.read_text("utf-8") == wanted(), "run `make openapi`"


def test_a_comma_cuts_no_text() -> None:
    """In YAML's braces, a comma in a text without quotes begins another key, which has no value."""

    def keys_without_a_value(value: Any) -> list[str]:
        if isinstance(value, list):
            return [key for one in value for key in keys_without_a_value(one)]
        if not isinstance(value, dict):
            return []
        return [
            *(key for key, one in value.items() if one is None),
            *(key for one in value.values() for key in keys_without_a_value(one)),
        ]

    assert keys_without_a_value(DOCUMENT) == []
