"""Rerank of API v2 in front of a rerank container of any version.

``api_version`` is 2: the versions since 3.5 require it, and Cohere's own client for SageMaker sends it to every version
(cohere-python's ``aws_client.py``). API v1 is built on ``body`` and ``document``.
Source: docs.cohere.com, API v2 ``rerank``; the sample files of github.com/cohere-ai/cohere-aws.
"""

from __future__ import annotations

import json
from typing import Any

from proxy.dialects.answer import Answer, bad_answer, identified, parsed, written


def requests(fields: dict[str, Any]) -> list[bytes]:
    """Return the one body to send. The documents of the answer are added here, not by the container."""
    body = {name: value for name, value in fields.items() if name != "return_documents"}
    return [json.dumps({**body, "api_version": 2}).encode()]


def answer(contents: list[bytes], fields: dict[str, Any]) -> Answer:
    """Return Cohere's rerank answer.

    Raises:
        ProxyError: ``bad_answer`` or ``answer_too_large``.

    """
    return Answer(written(document(contents, fields)))


def document(contents: list[bytes], fields: dict[str, Any], version: str = "2") -> dict[str, Any]:
    """Return Cohere's rerank answer.

    Args:
        contents: the container's one answer.
        fields: the request's.
        version: the API's, for ``meta``.

    Raises:
        ProxyError: ``bad_answer`` when it holds no scores of the documents.

    """
    (content,) = contents
    found = parsed(content)
    results = found.get("results")
    documents = fields["documents"]
    if not isinstance(results, list) or not all(_is_result(one, len(documents)) for one in results):
        raise bad_answer("it holds no scores of the documents")
    shown = fields.get("return_documents", False)
    return {
        **found,
        **identified(found, version),
        "results": [_result(one, documents, shown=shown) for one in results],
    }


def _is_result(value: Any, count: int) -> bool:  # noqa: ANN401 - JSON
    if not isinstance(value, dict):
        return False
    index, score = value.get("index"), value.get("relevance_score")
    return type(index) is int and 0 <= index < count and type(score) in (int, float)


def _result(result: dict[str, Any], documents: list[Any], *, shown: bool) -> dict[str, Any]:
    found = {name: value for name, value in result.items() if name != "document"}
    if shown:
        given = documents[result["index"]]
        found["document"] = {"text": given} if isinstance(given, str) else given
    return found
