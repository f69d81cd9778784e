"""The one schema: the proxy's checks are a validator library's, and what is made of it is fresh."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from proxy.errors import STATUS, ProxyError
from proxy.routes import schema
from proxy.routes.request import FieldReader
from proxy.routes.table import GENERATE
from stacks import openapi

LIMITS = {"MAX_TOKENS": 100, "MAX_GENERATIONS": 3, "MAX_PROMPT_CHARACTERS": 20}
SCHEMA = schema.read(GENERATE.schema, LIMITS)
VALIDATOR = Draft202012Validator(SCHEMA)
READER = FieldReader(GENERATE, LIMITS)

numbers = st.integers(-2, 600) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=25) | st.sampled_from(["ALL", "NONE", "END"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
fields = st.dictionaries(st.sampled_from([*SCHEMA["properties"], "max_token"]), values, max_size=4)


def same(document: dict[str, Any]) -> None:
    """Ask the proxy and the library; what is no strict JSON in the first place is no question of the schema."""
    try:
        READER.read(json.dumps(document).encode())
        taken = True
    except ProxyError as error:
        if error.code == "invalid_json":
            return
        taken = False
    assert taken == VALIDATOR.is_valid(document), list(VALIDATOR.iter_errors(document))


@given(fields | st.builds(lambda more: {"prompt": "p", **more}, fields))
def test_a_request_is_taken_when_a_validator_library_takes_it(document: dict[str, Any]) -> None:
    same(document)


@pytest.mark.parametrize("name", SCHEMA["properties"])
@given(value=values)
def test_each_field_by_itself(name: str, value: Any) -> None:
    same({"prompt": "p", name: value})


def test_the_schema_is_one_and_every_field_is_explained() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert all(rules["description"].endswith(".") for rules in SCHEMA["properties"].values())
    assert "x-limit" not in json.dumps(SCHEMA)


def test_the_document_is_openapi() -> None:
    document = openapi.document()
    validate(document)
    statuses = set(document["paths"]["/v1/generate"]["post"]["responses"])
    # 404 is of another path.
    assert {str(status) for status in STATUS.values()} - {"404"} <= statuses


@pytest.mark.parametrize(
    ("path", "wanted"), [(openapi.PATH, openapi.text), (openapi.README, openapi.readme)], ids=["openapi", "readme"]
)
def test_what_is_made_of_it_is_fresh(path: Path, wanted: Any) -> None:
    assert path.read_text("utf-8") == wanted(), "run `make openapi`"
