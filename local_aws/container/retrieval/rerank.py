"""The rerank request of Cohere's containers, answered by shared spelling (``vectors``).

The order reflects exact words, not meaning.

Sources: docs.cohere.com, API v1 and v2 ``rerank``; the sample files of cohere-aws. The error messages are ours.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from local_aws.container import tokens
from local_aws.container.contract import Refused
from local_aws.container.retrieval.vectors import cosine, vector

MOST_DOCUMENTS: Final = 10_000
_SIZE: Final = 2048
_TOKENS_PER_DOCUMENT: Final = 4096
"""The default of version 2; a longer document is cut."""

_DOCUMENTS_PER_UNIT: Final = 100


def answer(document: dict[str, Any], package: str) -> dict[str, Any]:
    """Answer a rerank request.

    Args:
        document: the request's body.
        package: the package's id, which contains the version.

    Raises:
        Refused: 400 for what is out of range or missing, 422 for a wrong type.

    """
    query, documents = document.get("query"), document.get("documents")
    if not isinstance(query, str) or not query:
        raise Refused(400, "invalid request: query must be at least 1 token long")
    if not isinstance(documents, list):
        raise Refused(422, "invalid request: documents must be a list")
    if not 1 <= len(documents) <= MOST_DOCUMENTS:
        raise Refused(400, f"invalid request: documents must be 1 to {MOST_DOCUMENTS} - received {len(documents)}")
    second = "rerank-v3-5" in package or "rerank-v4" in package
    if second and document.get("api_version") != 2:
        raise Refused(400, "invalid request: api_version must be 2 with the provided model")
    top = _positive(document, "top_n") or len(documents)
    _check_chunks(documents, _positive(document, "max_chunks_per_doc"))
    fields = document.get("rank_fields") or ["text"]
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise Refused(422, "invalid request: rank_fields must be a list of strings")
    texts = [_text(one, fields, strings=second) for one in documents]
    if second:
        most = _positive(document, "max_tokens_per_doc") or _TOKENS_PER_DOCUMENT
        texts = ["".join(tokens.split(text)[:most]) for text in texts]
    query_vector = vector(query, _SIZE)
    scores = [max(0.0, cosine(query_vector, vector(text, _SIZE))) for text in texts]
    best = sorted(range(len(texts)), key=lambda index: -scores[index])[:top]
    shown = document.get("return_documents")
    results = [
        {
            "index": index,
            "relevance_score": round(scores[index], 8),
            **(
                {"document": documents[index] if isinstance(documents[index], dict) else {"text": texts[index]}}
                if shown
                else {}
            ),
        }
        for index in best
    ]
    units = {"search_units": -(-len(documents) // _DOCUMENTS_PER_UNIT)}
    version = {"version": "2" if second else "1"}
    return {"id": str(uuid.uuid4()), "results": results, "meta": {"api_version": version, "billed_units": units}}


def _positive(document: dict[str, Any], name: str) -> int | None:
    value = document.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise Refused(422, f"invalid request: {name} must be an integer of 1 or more")
    return value


def _check_chunks(documents: list[Any], chunks: int | None) -> None:
    if chunks and (total := len(documents) * chunks) > MOST_DOCUMENTS:
        raise Refused(
            400,
            f"invalid request: documents times max_chunks_per_doc must be at most {MOST_DOCUMENTS} - received {total}",
        )


def _text(document: Any, fields: list[str], *, strings: bool) -> str:  # noqa: ANN401 - JSON
    """Return what is ranked of a document. Version 2 of the body has strings only."""
    if isinstance(document, str):
        return document
    if strings:
        raise Refused(422, "invalid request: each document must be a string")
    if not isinstance(document, dict):
        raise Refused(422, "invalid request: each document must be a string or an object")
    missing = [name for name in fields if name not in document]
    if missing:
        raise Refused(400, f"invalid request: each document must have the field {missing[0]}")
    return "\n".join(str(document[name]) for name in fields)
