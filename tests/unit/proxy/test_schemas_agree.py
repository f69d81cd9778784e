"""Every schema of a request: the proxy's checks and a library agree, and API Gateway refuses no good request."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator

from proxy.errors import ProxyError
from proxy.routes import schema
from proxy.routes.request import FieldReader
from proxy.routes.table import LIMITS, ROUTES, Route
from sagemaker_llm.proxy.schema_draft_4 import draft_4

CAPS = dict.fromkeys(LIMITS, 5)
WITH_BODIES = [route for route in ROUTES if route.schema]
FILES = {route.schema: route for route in WITH_BODIES}
IDS = [route.name for route in FILES.values()]

NAMES = ("API", "AWS", "Cohere", "OpenAI", "SageMaker")

numbers = st.integers(-2, 7) | st.floats(-2, 7)
junk = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=7),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def read(route: Route) -> dict[str, Any]:
    return schema.read(route.schema, CAPS)


def values(rules: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that mostly fit the rules, so that what is deep down is reached."""
    fitting = _fitting(rules)
    return st.one_of(*[fitting] * 7, junk)


def _fitting(rules: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "anyOf" in rules:
        return st.one_of(*map(_fitting, rules["anyOf"]))
    if "enum" in rules:
        return st.sampled_from(rules["enum"])
    kinds = rules.get("type", [])
    return st.one_of(*(_KINDS[kind](rules) for kind in ([kinds] if isinstance(kinds, str) else kinds)))


def _texts(rules: dict[str, Any]) -> st.SearchStrategy[Any]:
    low, high = rules.get("minLength", 0), min(rules.get("maxLength", 5), 5)
    fitting = st.text(min_size=low, max_size=high)
    return st.one_of(*[fitting] * 7, st.text(max_size=high + 1))


def _lists(rules: dict[str, Any]) -> st.SearchStrategy[Any]:
    member, low, high = values(rules["items"]), rules.get("minItems", 0), min(rules.get("maxItems", 2), 2)
    fitting = st.lists(member, min_size=low, max_size=high)
    return st.one_of(*[fitting] * 7, st.lists(member, max_size=high + 1))


def _numbers(rules: dict[str, Any]) -> st.SearchStrategy[Any]:
    low = rules.get("minimum", -2)
    fitting = st.integers(low, min(rules.get("maximum", low + 5), low + 5))
    return st.one_of(*[fitting] * 7, numbers)


def _objects(rules: dict[str, Any]) -> st.SearchStrategy[Any]:
    known = rules.get("properties", {})
    required = {name: values(known[name]) for name in rules.get("required", ())}
    optional = {name: values(one) for name, one in known.items() if name not in required}
    names = st.lists(st.sampled_from(sorted(optional)), max_size=3, unique=True) if optional else st.just([])
    fitting = names.flatmap(
        lambda some: st.fixed_dictionaries(required, optional={name: optional[name] for name in some})
    )
    other = st.dictionaries(st.text(max_size=3) | st.sampled_from([*known, "x"]), junk, max_size=1)
    return st.one_of(*[fitting] * 7, st.builds(lambda a, b: {**a, **b}, fitting, other))


_KINDS = {
    "null": lambda _: st.none(),
    "boolean": lambda _: st.booleans(),
    "string": _texts,
    "integer": _numbers,
    "number": _numbers,
    "array": _lists,
    "object": _objects,
}


@pytest.mark.parametrize("route", FILES.values(), ids=IDS)
def test_it_is_a_schema_and_every_field_is_explained(route: Route) -> None:
    found = read(route)
    Draft202012Validator.check_schema(found)
    Draft4Validator.check_schema(draft_4(found))
    assert "x-limit" not in json.dumps(found)
    assert "$ref" not in json.dumps(found)
    assert found["title"].endswith("Request")
    assert found["additionalProperties"] is False

    def explained(rules: dict[str, Any]) -> None:
        for one in rules.get("properties", {}).values():
            assert one["description"].endswith("."), one
            if one.get("type") == "null":
                # In a refusal it is the reason, with a small letter.
                assert not one["description"].startswith(NAMES), one
        for name in ("properties", "anyOf", "items", "additionalProperties"):
            inner = rules.get(name)
            inner = inner.values() if name == "properties" and inner else inner if isinstance(inner, list) else [inner]
            for one in inner:
                if isinstance(one, dict):
                    explained(one)

    explained(found)


def test_every_schema_has_a_name_of_its_own() -> None:
    assert len({read(route)["title"] for route in FILES.values()}) == len(FILES)


documents = {file: _objects(read(route)) for file, route in FILES.items()}


@pytest.mark.parametrize("route", FILES.values(), ids=IDS)
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=25)
@given(data=st.data())
def test_a_request_is_taken_by_all_or_by_none(route: Route, data: st.DataObject) -> None:
    rules = read(route)
    document = data.draw(documents[route.schema])
    try:
        FieldReader(route, CAPS).read(json.dumps(document).encode())
        taken = True
    except ProxyError as error:
        if error.code == "invalid_json":
            return
        taken = False
    library, edge = Draft202012Validator(rules), Draft4Validator(draft_4(rules))
    assert taken == library.is_valid(document), list(library.iter_errors(document))
    assert edge.is_valid(document) or not taken, list(edge.iter_errors(document))


def test_the_edge_checks_an_outline() -> None:
    found = draft_4(
        {
            "type": "object",
            "required": ["prompt"],
            "additionalProperties": False,
            "properties": {
                "prompt": {"description": "Gone.", "type": "string", "minLength": 1, "maxLength": 9},
                "mode": {"enum": ["a", None]},
                "count": {"type": ["integer", "null"], "minimum": 1},
                "content": {
                    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"enum": [False]}]
                },
                "refused_by_name": {"type": "null"},
            },
        }
    )
    assert found == {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "required": ["prompt"],
        "properties": {
            "prompt": {"type": "string", "maxLength": 9},
            "mode": {"type": ["string", "null"]},
            "count": {"type": ["number", "null"]},
            "content": {"type": ["string", "array", "boolean"]},
        },
    }


@pytest.mark.parametrize("route", FILES.values(), ids=IDS)
@pytest.mark.parametrize("document", [[], "text", {"model": 1}])
def test_what_the_edge_refuses(route: Route, document: Any) -> None:
    assert not Draft4Validator(draft_4(read(route))).is_valid(document)
