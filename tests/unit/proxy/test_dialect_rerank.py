"""Rerank, of Cohere's API v1 and v2, in front of every version of the containers."""

from typing import Any

import pytest

from local_aws.container import rerank
from proxy.errors import ProxyError
from proxy.routes.table import RERANK, RERANK_V2

from .stand_ins import ask, packages, sent

PACKAGES = packages("rerank")
V3 = "cohere-rerank-english-v3-6-011-2e8453eb47263dc7894c7127d35c85e9"
V35 = "cohere-rerank-v3-5-v1-1-011720-494e623cd6db335598198b1855d448a8"
TEXTS = ["Saipan is an island", "the capital of the States is Washington", "bread"]
BASE = {"query": "capital of the States", "documents": TEXTS}


def container(package: str) -> Any:
    return lambda document: rerank.answer(document, package)


def order(found: dict[str, Any]) -> list[int]:
    return [one["index"] for one in found["results"]]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(("route", "version"), [(RERANK, "1"), (RERANK_V2, "2")])
def test_texts_with_every_package(route: Any, version: str, package: str) -> None:
    found = ask(route, "rerank", {**BASE, "top_n": 2}, container(package))
    assert len(order(found)) == 2
    assert order(found)[0] == 1
    assert all(set(one) == {"index", "relevance_score"} for one in found["results"])
    assert found["id"]
    assert found["meta"] == {"api_version": {"version": version}, "billed_units": {"search_units": 1}}


@pytest.mark.parametrize("package", PACKAGES)
def test_objects_and_rank_fields_with_every_package(package: str) -> None:
    documents = [{"title": "Nevada", "text": "bread"}, {"title": "States", "text": "capital of", "pages": 3}, "bread"]
    body = {**BASE, "documents": documents, "rank_fields": ["title", "text"], "return_documents": True}
    found = ask(RERANK, "rerank", body, container(package))
    assert order(found)[0] == 1
    by_index = {one["index"]: one["document"] for one in found["results"]}
    assert by_index == {0: documents[0], 1: documents[1], 2: {"text": "bread"}}


def test_what_is_sent() -> None:
    documents = [{"n": 3, "text": "b", "tags": ["x"]}, "c"]
    body = {**BASE, "documents": documents, "rank_fields": ["text", "n", "tags"], "top_n": 1, "return_documents": False}
    wanted = {"query": BASE["query"], "documents": ['b\n3\n["x"]', "c"], "top_n": 1}
    assert sent(RERANK, "rerank", body) == [{**wanted, "api_version": 2}]
    # Chunks are of API v1, which only the versions before 3.5 answer.
    assert sent(RERANK, "rerank", {**body, "max_chunks_per_doc": 4}) == [{**wanted, "max_chunks_per_doc": 4}]
    assert sent(RERANK_V2, "rerank", {**BASE, "top_n": 1, "max_tokens_per_doc": 9}) == [
        {**BASE, "top_n": 1, "max_tokens_per_doc": 9, "api_version": 2}
    ]


def test_chunks_with_a_package_that_takes_them() -> None:
    assert order(ask(RERANK, "rerank", {**BASE, "max_chunks_per_doc": 4}, container(V3)))[0] == 1


def test_v2_returns_documents_for_the_clients_that_ask() -> None:
    found = ask(RERANK_V2, "rerank", {**BASE, "return_documents": True, "top_n": 1}, container(V35))
    assert found["results"][0]["document"] == {"text": TEXTS[1]}


@pytest.mark.parametrize(
    ("route", "changes", "problem"),
    [
        (RERANK, {"documents": []}, "documents: must be a list of 1 to 10000"),
        (RERANK, {"documents": [1]}, "documents[0]: must be a text or an object"),
        (
            RERANK,
            {"documents": ["a", {"title": "b"}]},
            "documents[1]: must have the field text, or name others in rank_fields",
        ),
        (
            RERANK,
            {"documents": [{"text": "b"}], "rank_fields": ["text", "title"]},
            "documents[0]: must have every field of rank_fields",
        ),
        (RERANK, {"query": None}, "query: must be a text of 1 to 5000 characters"),
        (RERANK, {"top_n": 0}, "top_n: must be an integer of 1 or more"),
        (RERANK, {"max_tokens_per_doc": 9}, "unknown field; did you mean max_chunks_per_doc?"),
        (RERANK_V2, {"documents": [{"text": "b"}]}, "documents[0]: must be a text of 0 to 5000 characters"),
        (
            RERANK_V2,
            {"rank_fields": ["text"]},
            "rank_fields: must be left out: this route ranks texts: join the fields of a document, or use API v1",
        ),
        (
            RERANK_V2,
            {"relevant_spans": {"mode": "auto"}},
            "relevant_spans: must be left out: no rerank model for SageMaker is known to tell them",
        ),
        (RERANK_V2, {"priority": 1}, "priority: must be left out: the endpoint has no queue by priority"),
    ],
)
def test_what_is_refused_by_name(route: Any, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ProxyError) as caught:
        sent(route, "rerank", {**BASE, **changes})
    assert (caught.value.code, caught.value.message) == ("invalid_field", problem)


def test_further_members_of_a_result_pass_but_the_documents_are_the_request_s() -> None:
    result = {"index": 1, "relevance_score": 0.5, "spans": [1], "document": {"text": "other"}}
    found = ask(RERANK_V2, "rerank", BASE, lambda _: {"results": [result]})
    assert found["results"] == [{"index": 1, "relevance_score": 0.5, "spans": [1]}]


@pytest.mark.parametrize(
    "results",
    [
        None,
        [{}],
        [1],
        [{"index": 3, "relevance_score": 0.5}],
        [{"index": -1, "relevance_score": 0.5}],
        [{"index": True, "relevance_score": 0.5}],
        [{"index": 0, "relevance_score": "high"}],
    ],
)
def test_an_answer_that_is_not_cohere_s(results: Any) -> None:
    with pytest.raises(ProxyError) as caught:
        ask(RERANK_V2, "rerank", BASE, lambda _: {"results": results})
    assert caught.value.code == "bad_answer"
