"""Embed, of Cohere's API v1 and v2 and of OpenAI's, in front of every version of the containers."""

import base64
import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.container import embed
from local_aws.container.contract import Refused
from proxy.dialects.cohere_v2.embed import _base64
from proxy.errors import ProxyError
from proxy.routes.table import EMBED, EMBED_V2, EMBEDDINGS

from .stand_ins import ask, packages, read, sent, translation

PACKAGES = packages("embed")
V2, V3 = "cohere-multilingual-small-v2-2-5c5864d6b4ee3277bbbca80225b5638f", "cohere-embed-english-v3-8-0117-6d3f676b"
V4 = "cohere-embed-v4-1-04072025-17ec0571acd93686b6cfb44babe01d66"
IMAGE = "data:image/png;base64,iVBORw0KGgo="
BASE = {"texts": ["one", "two"], "input_type": "search_query"}


def container(package: str) -> Any:
    return lambda document: embed.answer(document, package)


def refusal(route: Any, body: dict[str, Any], package: str = V4) -> str:
    with pytest.raises(ProxyError) as caught:
        ask(route, "embed", body, container(package))
    assert caught.value.code == "invalid_field"
    return caught.value.message


@pytest.mark.parametrize("package", PACKAGES)
def test_v1_answers_a_list_of_floats_for_every_package(package: str) -> None:
    found = ask(EMBED, "embed", BASE, container(package))
    assert (found["response_type"], found["texts"]) == ("embeddings_floats", ["one", "two"])
    assert [type(row[0]) for row in found["embeddings"]] == [float, float]
    assert found["meta"]["api_version"] == {"version": "1"}
    assert found["id"]


@pytest.mark.parametrize("package", PACKAGES)
def test_v2_answers_floats_by_type_for_every_package(package: str) -> None:
    found = ask(EMBED_V2, "embed", BASE, container(package))
    assert (found["response_type"], list(found["embeddings"])) == ("embeddings_by_type", ["float"])
    assert len(found["embeddings"]["float"]) == 2
    assert found["meta"]["api_version"] == {"version": "2"}
    assert found["id"]


@pytest.mark.parametrize("route", [EMBED, EMBED_V2])
def test_the_types_that_are_asked_for(route: Any) -> None:
    types = ["int8", "base64", "ubinary"]
    body = {**BASE, "embedding_types": types}
    assert sent(route, "embed", body)[0]["embedding_types"] == ["int8", "float", "ubinary"]
    found = ask(route, "embed", body, container(V3))
    floats = embed.answer({**BASE, "embedding_types": ["float"]}, V3)["embeddings"]["float"]
    assert (list(found["embeddings"]), found["response_type"]) == (types, "embeddings_by_type")
    for text, row in zip(found["embeddings"]["base64"], floats, strict=True):
        assert struct.unpack(f"<{len(row)}f", base64.b64decode(text)) == pytest.approx(row, rel=1e-6)
    assert found["meta"]["billed_units"]["input_tokens"] > 0


def test_a_type_is_asked_for_only_when_floats_cannot_make_it() -> None:
    for types in (None, ["float"], ["base64"], ["float", "base64"]):
        assert sent(EMBED_V2, "embed", {**BASE, "embedding_types": types}) == [BASE]
    assert set(ask(EMBED_V2, "embed", {**BASE, "embedding_types": ["base64"]}, container(V2))["embeddings"]) == {
        "base64"
    }


def test_a_type_that_the_model_has_not() -> None:
    problem = "embedding_types: this model has no int8; it answered float"
    assert refusal(EMBED_V2, {**BASE, "embedding_types": ["int8"]}, V2) == problem


def test_a_dimension() -> None:
    found = ask(
        EMBED_V2, "embed", {**BASE, "output_dimension": 256, "embedding_types": ["float", "binary"]}, container(V4)
    )
    assert [len(found["embeddings"][name][0]) for name in ("float", "binary")] == [256, 32]
    problem = "output_dimension: must be 1024 or left out: this model has no other dimension"
    assert refusal(EMBED_V2, {**BASE, "output_dimension": 256}, V3) == problem


def test_every_other_field_is_sent_as_it_is() -> None:
    body = {**BASE, "truncate": "START", "max_tokens": 8, "output_dimension": 512}
    assert sent(EMBED_V2, "embed", body) == [body]
    assert sent(EMBED, "embed", {**BASE, "truncate": "NONE"}) == [{**BASE, "truncate": "NONE"}]


@pytest.mark.parametrize("package", [V3, V4])
@pytest.mark.parametrize("route", [EMBED, EMBED_V2])
def test_an_image(route: Any, package: str) -> None:
    found = ask(route, "embed", {"images": [IMAGE], "input_type": "image"}, container(package))
    rows = found["embeddings"] if route is EMBED else found["embeddings"]["float"]
    assert len(rows) == 1
    assert found["meta"]["billed_units"] == {"images": 1}


def test_inputs() -> None:
    text, image = {"type": "text", "text": "one"}, {"type": "image_url", "image_url": {"url": IMAGE}}
    body = {"inputs": [{"content": [text, image]}], "input_type": "search_document"}
    assert sent(EMBED_V2, "embed", body) == [body]
    assert len(ask(EMBED_V2, "embed", body, container(V4))["embeddings"]["float"]) == 1
    # Texts only are understood by every version.
    body = {"inputs": [{"content": [text]}, {"content": [text]}], "input_type": "search_document"}
    assert sent(EMBED_V2, "embed", body) == [{"texts": ["one", "one"], "input_type": "search_document"}]
    assert len(ask(EMBED_V2, "embed", body, container(V3))["embeddings"]["float"]) == 2


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"input_type": "image"}, "texts: send exactly one of texts, images and inputs"),
        ({**BASE, "images": [IMAGE]}, "images: send exactly one of texts, images and inputs"),
        ({**BASE, "texts": ["x"] * 97}, "texts: must be a list of 1 to 96"),
        ({**BASE, "texts": []}, "texts: must be a list of 1 to 96"),
        ({**BASE, "texts": "one"}, "texts: must be a list of 1 to 96"),
        ({"images": [IMAGE, IMAGE], "input_type": "image"}, "images: must be a list of 1 to 1"),
        (
            {"images": [IMAGE + "A" * 7_000_000], "input_type": "image"},
            "images[0]: must be a text of 1 to 6990600 characters",
        ),
        (
            {"images": ["https://example.com/a.png"], "input_type": "image"},
            "images[0]: must be a data URI of an image, data:image/...;base64,...: the model has no network",
        ),
        ({**BASE, "priority": 1}, "priority: must be left out: the endpoint has no queue by priority"),
        ({"texts": ["one"]}, "input_type: is missing"),
        (
            {**BASE, "embedding_types": ["float", "int4"]},
            "embedding_types[1]: must be one of float, int8, uint8, binary, ubinary, base64",
        ),
    ],
)
def test_what_is_refused_by_name(body: dict[str, Any], problem: str) -> None:
    assert refusal(EMBED_V2, body) == problem


def test_an_image_in_inputs_that_is_no_data_uri_is_refused_by_its_place() -> None:
    url = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    found = refusal(EMBED_V2, {"inputs": [{"content": [url]}], "input_type": "image"})
    assert found.startswith("inputs[0].content[0].image_url.url: must be a data URI")


def test_v1_without_an_input_type_is_the_models_to_refuse() -> None:
    assert len(ask(EMBED, "embed", {"texts": ["one"]}, container(V2))["embeddings"]) == 1
    with pytest.raises(Refused, match="input_type"):
        ask(EMBED, "embed", {"texts": ["one"]}, container(V3))


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"embeddings": 1},
        {"embeddings": [[0.5]]},
        {"embeddings": [[0.5], []]},
        {"embeddings": {"float": [[1], "x"]}},
    ],
)
@pytest.mark.parametrize("route", [EMBED, EMBED_V2])
def test_an_answer_that_is_not_cohere_s(route: Any, answer: Any) -> None:
    with pytest.raises(ProxyError) as caught:
        ask(route, "embed", BASE, lambda _: answer)
    assert caught.value.code == "bad_answer"


def test_v1_passes_the_container_s_own_text_on() -> None:
    text = json.dumps(embed.answer(BASE, V3), indent=1).encode()
    assert translation(EMBED, "embed").answer([text], read(EMBED, BASE)).body == text


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("given", ["one", ["one"], ["one", "two"]])
@pytest.mark.parametrize("form", ["float", "base64", None])
def test_openai(package: str, given: Any, form: str | None) -> None:
    body = {"input": given, "model": "text-embedding-3-small", "encoding_format": form, "user": "somebody"}
    found = ask(EMBEDDINGS, "embed", body, container(package))
    assert (found["object"], found["model"]) == ("list", "text-embedding-3-small")
    texts = [given] if isinstance(given, str) else given
    assert [(one["object"], one["index"]) for one in found["data"]] == [("embedding", at) for at in range(len(texts))]
    rows = ask(EMBED_V2, "embed", {"texts": texts, "input_type": "search_document"}, container(package))["embeddings"]
    for one, row in zip(found["data"], rows["float"], strict=True):
        vector = one["embedding"]
        if form == "base64":
            vector = list(struct.unpack(f"<{len(row)}f", base64.b64decode(vector)))
        assert vector == pytest.approx(row, rel=1e-6)
    usage = found["usage"]
    assert usage["prompt_tokens"] == usage["total_tokens"]
    assert (usage["prompt_tokens"] > 0) == (package != V2)


def test_openai_fields() -> None:
    body = {"input": "one", "dimensions": 256, "input_type": "search_query", "truncate": "NONE"}
    wanted = {"texts": ["one"], "input_type": "search_query", "truncate": "NONE", "output_dimension": 256}
    assert sent(EMBEDDINGS, "embed", body) == [wanted]
    assert len(ask(EMBEDDINGS, "embed", body, container(V4))["data"][0]["embedding"]) == 256
    assert sent(EMBEDDINGS, "embed", {"input": ["one"]}) == [{"texts": ["one"], "input_type": "search_document"}]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"input": [1, 2]}, "input[0]: must be a text of 1 to 5000 characters"),
        ({"input": [[1, 2]]}, "input[0]: must be a text of 1 to 5000 characters"),
        ({"input": ["x"] * 97}, "input: must be a list of 1 to 96"),
        ({"input": ""}, "input: must be a text of 1 to 5000 characters"),
        ({}, "input: is missing"),
        ({"input": "x", "encoding_format": "hex"}, "encoding_format: must be one of float, base64"),
        ({"input": "x", "dimensions": 7}, "dimensions: must be 1024 or left out: this model has no other dimension"),
        ({"input": "x", "dimension": 7}, "unknown field; did you mean dimensions?"),
    ],
)
def test_what_openai_s_route_refuses_by_name(body: dict[str, Any], problem: str) -> None:
    assert refusal(EMBEDDINGS, body, V3) == problem


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_base64_holds_every_float_of_32_bits(vector: list[float]) -> None:
    assert list(struct.unpack(f"<{len(vector)}f", base64.b64decode(_base64(vector)))) == vector


@pytest.mark.parametrize("vector", [["x"], [None], [1e300], [math.pi, {}]])
def test_what_is_no_vector(vector: list[Any]) -> None:
    with pytest.raises(ProxyError) as caught:
        _base64(vector)
    assert caught.value.code == "bad_answer"
