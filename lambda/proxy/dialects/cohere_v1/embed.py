"""Embed of API v1 in front of an embed container of any version.

Source: docs.cohere.com, API v1 ``embed``.
"""

from __future__ import annotations

from typing import Any

from proxy.dialects.answer import Answer, bounded, parsed, written
from proxy.dialects.cohere_v2 import embed

requests = embed.requests


def answer(contents: list[bytes], fields: dict[str, Any]) -> Answer:
    """Return Cohere's embed answer, API v1: a list of float vectors when no types were asked for.

    Raises:
        ProxyError: see ``embed.document`` of API v2; ``answer_too_large``.

    """
    (content,) = contents
    given = parsed(content)
    found = embed.document(given, fields, version="1")
    if "embedding_types" not in fields:
        found.update(embeddings=found["embeddings"]["float"], response_type="embeddings_floats")
    # Writing thousands of floats is slow: the container's own text, when it says the same.
    body = bounded(content.decode("utf-8")) if found == given else written(found)
    return Answer(body, tokens_in=embed.tokens_of(found))
