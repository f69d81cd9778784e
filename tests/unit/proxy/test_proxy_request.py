"""Cohere's request body: what is taken, what is refused, and that no refusal repeats a value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import ProxyError
from proxy.routes.request import FieldReader
from proxy.routes.table import GENERATE

LIMITS = {"MAX_TOKENS": 1000, "MAX_GENERATIONS": 5, "MAX_PROMPT_CHARACTERS": 200}
parse = FieldReader(GENERATE, LIMITS).read
SECRET = "a-secret-value-of-the-caller"


def refusal(body: bytes | dict[str, Any]) -> ProxyError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(ProxyError) as caught:
        parse(content)
    assert caught.value.status == 400
    return caught.value


def test_the_articles_request() -> None:
    fields = {
        "prompt": "Write a LinkedIn post about starting a career in tech:",
        "max_tokens": 100,
        "temperature": 0,
        "return_likelihoods": "GENERATION",
    }
    assert parse(json.dumps(fields).encode()) == fields


def test_every_field() -> None:
    fields = {
        "prompt": "p",
        "max_tokens": 5,
        "temperature": 4.5,
        "k": 500,
        "p": 0.75,
        "num_generations": 5,
        "stop_sequences": ["--"],
        "end_sequences": ["."],
        "return_likelihoods": "ALL",
        "truncate": "NONE",
        "seed": 7,
        "frequency_penalty": 0.5,
        "presence_penalty": 0,
        "logit_bias": {"11": -10},
    }
    assert parse(json.dumps(fields).encode()) == fields


def test_nothing_is_added_and_nulls_and_false_stream_are_left_out() -> None:
    body = b'{"prompt": "p", "k": null, "max_tokens": null, "model": null, "stream": false}'
    assert parse(body) == {"prompt": "p", "stream": False}


def test_the_most_that_the_environment_allows() -> None:
    most = {"prompt": "p" * 200, "max_tokens": 1000, "num_generations": 5}
    assert parse(json.dumps(most).encode()) == most


def test_an_environment_cannot_allow_more_than_the_api() -> None:
    generous = FieldReader(GENERATE, {**LIMITS, "MAX_GENERATIONS": 9})
    with pytest.raises(ProxyError, match="invalid_field"):
        generous.read(b'{"prompt": "p", "num_generations": 6}')


def test_whole_floats_are_integers() -> None:
    found = parse(b'{"prompt": "p", "max_tokens": 28.0, "k": 1e2}')
    assert (found["max_tokens"], found["k"]) == (28, 100)
    assert isinstance(found["max_tokens"], int)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("prompt", "", "prompt: must be a text of 1 to 200 characters"),
        ("prompt", "p" * 201, "prompt: must be a text of 1 to 200 characters"),
        ("prompt", 1, "prompt: must be a text of 1 to 200 characters"),
        ("prompt", [SECRET], "prompt: must be a text of 1 to 200 characters"),
        ("max_tokens", -1, "max_tokens: must be an integer from 0 to 1000"),
        ("max_tokens", 1.5, "max_tokens: must be an integer from 0 to 1000"),
        ("max_tokens", "1", "max_tokens: must be an integer from 0 to 1000"),
        ("max_tokens", True, "max_tokens: must be an integer from 0 to 1000"),
        ("max_tokens", 10**30, "max_tokens: must be an integer from 0 to 1000"),
        ("max_tokens", 1001, "max_tokens: must be an integer from 0 to 1000"),
        ("temperature", 5.1, "temperature: must be a number from 0 to 5"),
        ("temperature", "hot", "temperature: must be a number from 0 to 5"),
        ("k", 501, "k: must be an integer from 0 to 500"),
        ("p", 1.01, "p: must be a number from 0 to 1"),
        ("num_generations", 0, "num_generations: must be an integer from 1 to 5"),
        ("num_generations", 6, "num_generations: must be an integer from 1 to 5"),
        ("stop_sequences", SECRET, "stop_sequences: must be a list"),
        ("stop_sequences", [".", ""], "stop_sequences[1]: must be a text that is not empty"),
        ("return_likelihoods", "SOME", "return_likelihoods: must be one of NONE, GENERATION, ALL"),
        ("truncate", {}, "truncate: must be one of NONE, START, END"),
        ("seed", -1, f"seed: must be an integer from 0 to {2**63 - 1}"),
        ("presence_penalty", False, "presence_penalty: must be a number"),
        ("logit_bias", {"1": SECRET}, "logit_bias: must be a number"),
        ("prompt_vars", {"a": SECRET}, "prompt_vars: unknown field; known are none"),
        ("stream", SECRET, "stream: must be true or false"),
        ("model", [SECRET], "model: must be a text of 1 to 256 characters"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_takes(field: str, value: Any, message: str) -> None:
    error = refusal({"prompt": "p", field: value})
    assert error.code == "invalid_field"
    assert error.message == message


def test_a_missing_prompt() -> None:
    assert refusal({}).message == "prompt: is missing"
    assert refusal({"prompt": None}).message == "prompt: must be a text of 1 to 200 characters"


def test_an_unknown_field_names_the_near_one_and_is_not_repeated() -> None:
    assert refusal({"prompt": "p", "max_token": 5}).message == "unknown field; did you mean max_tokens?"
    assert SECRET not in refusal({"prompt": "p", SECRET: 5}).message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"[]", "the body must be a JSON object"),
        (b'"p"', "the body must be a JSON object"),
        (b"\xff", "the body is not UTF-8"),
        (b'{"prompt": "a", "prompt": "b"}', "a field is given twice; send each once"),
        (b'{"prompt": "p", "p": NaN}', "NaN and Infinity are not JSON"),
        (b'{"prompt": "p", "p": -Infinity}', "NaN and Infinity are not JSON"),
        (b'{"prompt": "p", "temperature": 1e400}', "a number is too large"),
        (b'{"prompt": "p", "frequency_penalty": -1e400}', "a number is too large"),
        (b'{"prompt": "\\ud800"}', "a text holds half of a surrogate pair"),
        (b'{"prompt": ' + b"[" * 100_000, "the body is nested too deeply"),
        (b'{"prompt": "p", "seed": ' + b"9" * 5000 + b"}", "the body is not JSON"),
    ],
)
@pytest.mark.usefixtures("deep_nesting")
def test_what_is_not_strict_json(body: bytes, message: str) -> None:
    assert refusal(body).message == message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
names = (
    st.sampled_from(["prompt", "max_tokens", "temperature", "k", "p", "seed", "stop_sequences", "stream"]) | st.text()
)


@given(st.dictionaries(names, json_values) | json_values)
def test_any_json_is_taken_or_refused(document: Any) -> None:
    refused = None
    try:
        found = parse(json.dumps(document).encode())
    except ProxyError as error:
        refused = error.status
    assert refused == 400 or json.loads(json.dumps(found, allow_nan=False)) == found


@given(st.binary())
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    with pytest.raises(ProxyError):
        parse(b"\x00" + body)
