"""Generate in front of a container that answers generate: fields and answers pass as they are.

Source: docs.cohere.com, API v1 ``generate``.
"""

from __future__ import annotations

import json
from typing import Any

from proxy.dialects.answer import Answer, billed_tokens, bounded
from proxy.errors import ProxyError


def requests(fields: dict[str, Any]) -> list[bytes]:
    """Return the one body to send."""
    return [json.dumps(fields).encode()]


def answer(contents: list[bytes], fields: dict[str, Any]) -> Answer:  # noqa: ARG001 - the protocol's
    """Return the container's answer as it is, after a check that it is Cohere's.

    Raises:
        ProxyError: ``bad_answer`` when it is no list of generated texts, ``answer_too_large``.

    """
    (content,) = contents
    try:
        text = content.decode("utf-8")
        document = json.loads(text)
        texts = [generation["text"] for generation in document["generations"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        texts = []
    if not texts or not all(isinstance(one, str) for one in texts):
        raise ProxyError("bad_answer", "the model's answer is not Cohere's: it holds no generations")
    return Answer(bounded(text), len(texts), *_tokens(document))


def _tokens(document: dict[str, Any]) -> tuple[int | None, int | None]:
    """Return the tokens that went in and came out: as Cohere bills, else as many as there are likelihoods."""
    billed = billed_tokens(document)
    if billed:
        return billed
    try:
        return None, sum(len(generation["token_likelihoods"]) for generation in document["generations"])
    except (KeyError, TypeError):
        return None, None
