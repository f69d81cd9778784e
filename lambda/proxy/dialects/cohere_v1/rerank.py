"""Rerank of API v1 in front of a rerank container of any version.

Documents that are objects become the text that the model ranks, since the versions since 3.5 take texts only; so
``rank_fields`` works with every version. ``max_chunks_per_doc`` is of API v1: with it, the container is asked as such,
which only the versions before 3.5 answer.
Source: docs.cohere.com, API v1 ``rerank``.
"""

from __future__ import annotations

import json
from typing import Any

from proxy.dialects.answer import Answer, written
from proxy.dialects.cohere_v2 import rerank
from proxy.routes.request import invalid


def requests(fields: dict[str, Any]) -> list[bytes]:
    """Return the one body to send.

    Raises:
        ProxyError: ``invalid_field`` when a document lacks the fields to rank by.

    """
    names = fields.get("rank_fields") or ["text"]
    texts = [_text(one, names, number) for number, one in enumerate(fields["documents"])]
    rest = {name: value for name, value in fields.items() if name not in ("rank_fields", "return_documents")}
    body = {**rest, "documents": texts}
    if "max_chunks_per_doc" not in body:
        body["api_version"] = 2
    return [json.dumps(body).encode()]


def answer(contents: list[bytes], fields: dict[str, Any]) -> Answer:
    """Return Cohere's rerank answer.

    Raises:
        ProxyError: ``bad_answer`` or ``answer_too_large``.

    """
    return Answer(written(rerank.document(contents, fields, version="1")))


def _text(document: Any, names: list[str], number: int) -> str:  # noqa: ANN401 - JSON
    if isinstance(document, str):
        return document
    for name in names:
        if name not in document:
            allowed = "must have the field text, or name others in rank_fields" if names == ["text"] else ""
            raise invalid(f"documents[{number}]", allowed or "must have every field of rank_fields")
    return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in (document[name] for name in names))
