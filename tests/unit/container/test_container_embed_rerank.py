"""Embed and rerank: the shapes of each version, vectors whose cosines mean something, and what is refused."""

import base64
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_aws.container import Container
from local_aws.container.retrieval.vectors import cosine, vector

CONTAINER = Container.from_settings(None, None)
V2, V3, LIGHT, V4 = (
    "cohere-embed-english-v2",
    "cohere-embed-english-v3",
    "cohere-embed-english-light-v3",
    "cohere-embed-v4-1",
)


PNG = "data:image/png;base64,AAAA"


def ask(api: str, package: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    status, _, answer = CONTAINER.handle(json.dumps(fields).encode(), "application/json", api, package)
    return status, json.loads(answer)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=50), st.sampled_from([256, 1024]))
def test_a_vector_has_length_1_and_is_always_the_same(text: str, size: int) -> None:
    found = vector(text, size)
    assert math.isclose(sum(value * value for value in found), 1)
    assert found == vector(text, size)


def test_shared_words_are_nearer_than_none() -> None:
    query = vector("red apples", 1024)
    assert cosine(query, vector("apples that are red", 1024)) > 0.5
    assert cosine(query, vector("the blue sea", 1024)) < 0.2


@pytest.mark.parametrize(
    ("package", "fields", "size"),
    [
        (V3, {"input_type": "search_document"}, 1024),
        (LIGHT, {"input_type": "classification"}, 384),
        ("cohere-embed-multilingual-ligh-6031229712", {"input_type": "classification"}, 384),
        ("cohere-embed-v5-0-05302025-694d497b", {"input_type": "search_query"}, 1536),
        (V4, {"input_type": "search_query"}, 1536),
        (V4, {"input_type": "search_query", "output_dimension": 256}, 256),
        (V2, {}, 4096),
    ],
)
def test_the_dimensions_of_each_version(package: str, fields: dict[str, Any], size: int) -> None:
    status, answer = ask("embed", package, texts=["one", "two"], **fields)
    assert (status, [len(one) for one in answer["embeddings"]]) == (200, [size, size])
    assert set(answer) == ({"embeddings"} if package == V2 else {"id", "texts", "embeddings", "response_type", "meta"})


def test_embedding_types() -> None:
    kinds = ["float", "int8", "uint8", "binary", "ubinary"]
    _, answer = ask("embed", V3, texts=["one"], input_type="clustering", embedding_types=kinds)
    found = {kind: answer["embeddings"][kind][0] for kind in kinds}
    assert {kind: len(one) for kind, one in found.items()} == {
        **dict.fromkeys(kinds[:3], 1024),
        **dict.fromkeys(kinds[3:], 128),
    }
    assert found["int8"] == [round(value * 127) for value in found["float"]]
    assert [a - b for a, b in zip(found["ubinary"], found["binary"], strict=True)] == [128] * 128
    assert answer["response_type"] == "embeddings_by_type"


def test_inputs_and_images() -> None:
    text = {"content": [{"type": "text", "text": "one"}]}
    _, answer = ask("embed", V4, inputs=[text], input_type="search_query")
    assert answer["embeddings"][0] == vector("one", 1536)
    _, answer = ask("embed", V3, images=["data:image/png;base64,AAAA"], input_type="image")
    assert answer["meta"]["billed_units"] == {"images": 1}
    assert len(answer["embeddings"][0]) == 1024


def test_texts_and_images_together() -> None:
    image = {"type": "image_url", "image_url": {"url": PNG}}
    inputs = [{"content": [{"type": "text", "text": "one"}, image]}, {"content": [image]}]
    _, answer = ask("embed", V4, inputs=inputs, input_type="search_document", embedding_types=["float"])
    assert (len(answer["embeddings"]["float"]), answer["meta"]["billed_units"]) == (2, {"images": 2})
    assert "texts" not in answer
    _, answer = ask("embed", V4, images=[PNG, PNG], input_type="image")
    assert answer["embeddings"][0] == answer["embeddings"][1]


@pytest.mark.parametrize(("package", "size"), [(V3, 5_000_001), (V4, 20_000_001)])
def test_an_image_that_is_too_large(package: str, size: int) -> None:
    uri = "data:image/png;base64," + base64.b64encode(bytes(size)).decode()
    status, answer = ask("embed", package, images=[uri], input_type="image")
    assert (status, answer["message"]) == (
        400,
        f"invalid request: images must be at most {size - 1} bytes - received {size}",
    )


def test_max_tokens_cuts_each_input() -> None:
    _, answer = ask("embed", V4, texts=["one two three"], input_type="search_query", max_tokens=2)
    assert answer["embeddings"] == [vector("one two", 1536)]


def test_truncation() -> None:
    long = {"texts": ["word " * 600], "input_type": "search_query"}
    status, answer = ask("embed", V3, **long, truncate="NONE")
    assert (status, "cannot exceed 512 - received" in answer["message"]) == (400, True)
    _, answer = ask("embed", V3, **long)
    assert answer["meta"]["billed_units"] == {"input_tokens": 512}


@pytest.mark.parametrize(
    ("package", "fields", "status", "message"),
    [
        (V3, {}, 400, "at least one text is required"),
        (V3, {"texts": "one"}, 422, "texts must be a list of strings"),
        (V3, {"texts": ["a"] * 97}, 400, "must be at most 96 - received 97"),
        (V3, {"texts": ["a"]}, 400, "valid input_type must be provided"),
        (V3, {"texts": ["a"], "input_type": "x"}, 400, "valid input_type must be provided"),
        (V3, {"texts": ["a"], "input_type": "image", "truncate": "X"}, 400, "truncate must be one of"),
        (V3, {"texts": ["a"], "input_type": "image", "embedding_types": ["half"]}, 400, "embedding_types must be some"),
        (V3, {"texts": ["a"], "images": [PNG], "input_type": "image"}, 400, "only one of texts, images is allowed"),
        (V3, {"images": ["x"], "input_type": "image"}, 400, "each image must be a data URI of a jpeg, png"),
        (V3, {"images": ["data:image/tiff;base64,AAAA"], "input_type": "image"}, 400, "each image must be a data URI"),
        (V3, {"images": ["data:image/png;base64,?"], "input_type": "image"}, 400, "each image must be a data URI"),
        (V3, {"images": [], "input_type": "image"}, 422, "images must be a list of data URIs"),
        (V3, {"images": [PNG, PNG], "input_type": "image"}, 400, "images must be at most 1 - received 2"),
        (V3, {"texts": ["a"], "input_type": "image", "embedding_types": ["base64"]}, 400, "must be some of float"),
        (V4, {"inputs": [{"content": "a"}], "input_type": "image"}, 422, "content of each of inputs must be a list"),
        (V4, {"inputs": [{"content": [{"type": "text"}]}], "input_type": "image"}, 422, "each content must be of type"),
        (V4, {"texts": ["a"], "input_type": "image", "max_tokens": 0}, 422, "max_tokens must be an integer of 1"),
        (V4, {"inputs": ["a"], "input_type": "image"}, 422, "EmbedReqV2.inputs is of type string"),
        (V4, {"texts": ["a"], "input_type": "image", "output_dimension": 3}, 400, "output_dimension must be one of"),
    ],
)
def test_what_embed_refuses(package: str, fields: dict[str, Any], status: int, message: str) -> None:
    found, answer = ask("embed", package, **fields)
    assert (found, message in answer["message"]) == (status, True), answer


DOCUMENTS = ["the blue sea", "red apples and pears", "apples of a tree"]


def test_rerank_orders_by_relevance() -> None:
    status, answer = ask("rerank", "cohere-rerank-v3", query="red apples", documents=DOCUMENTS, top_n=2)
    assert (status, [one["index"] for one in answer["results"]]) == (200, [1, 2])
    scores = [one["relevance_score"] for one in answer["results"]]
    assert 1 >= scores[0] > scores[1] >= 0
    assert answer["meta"]["billed_units"] == {"search_units": 1}


def test_rerank_gives_documents_back_and_reads_fields() -> None:
    documents = [{"title": "x", "text": "sea"}, {"title": "apples", "text": "y"}]
    fields = {"query": "apples", "documents": documents, "return_documents": True}
    _, answer = ask("rerank", "cohere-rerank-v3", **fields, rank_fields=["title"])
    assert [one["document"] for one in answer["results"]] == [documents[1], documents[0]]


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"documents": ["a"]}, 400, "query must be"),
        ({"query": "a", "documents": "a"}, 422, "documents must be a list"),
        ({"query": "a", "documents": []}, 400, "documents must be 1 to"),
        ({"query": "a", "documents": [1]}, 422, "each document must be a string or an object"),
        ({"query": "a", "documents": [{"title": "a"}]}, 400, "must have the field text"),
        ({"query": "a", "documents": ["a"], "top_n": 0.5}, 422, "top_n must be an integer"),
        ({"query": "a", "documents": ["a"], "rank_fields": [1]}, 422, "rank_fields must be a list of strings"),
        ({"query": "a", "documents": ["a"], "max_chunks_per_doc": 0}, 422, "max_chunks_per_doc must be an integer"),
        ({"query": "a", "documents": ["a"] * 2, "max_chunks_per_doc": 5001}, 400, "must be at most 10000"),
    ],
)
def test_what_rerank_refuses(fields: dict[str, Any], status: int, message: str) -> None:
    found, answer = ask("rerank", "cohere-rerank-v3", **fields)
    assert (found, message in answer["message"]) == (status, True), answer


def test_rerank_3_5_needs_its_api_version() -> None:
    fields = {"query": "a", "documents": ["a"]}
    assert ask("rerank", "cohere-rerank-v3-5-v1-1-011720-494e623c", **fields)[0] == 400
    assert ask("rerank", "cohere-rerank-multilingual-v3--549a14ed", **fields)[0] == 200
    assert ask("rerank", "cohere-rerank-v3-5", **fields, api_version=2)[0] == 200


def test_version_2_of_the_rerank_body() -> None:
    fields = {"query": "apples", "api_version": 2}
    status, answer = ask("rerank", "cohere-rerank-v3-5", **fields, documents=[{"text": "a"}])
    assert (status, answer) == (422, {"message": "invalid request: each document must be a string"})
    documents = ["pears apples", "apples"]
    _, answer = ask("rerank", "cohere-rerank-v3-5", **fields, documents=documents, max_tokens_per_doc=1)
    assert [one["relevance_score"] for one in answer["results"]] == [1, 0]
    assert answer["meta"]["api_version"] == {"version": "2"}
