"""Generate in front of a container that answers generate: fields and answers pass as they are.

Source: docs.cohere.com, API v1 ``generate``.
"""

from __future__ import annotations

import json
from typing import Any

from proxy.dialects.answer import Answer, Stream, bad_answer, billed_tokens, bounded, check_reason, parsed
from proxy.dialects.cohere_v1.events import sentence, text_of
from proxy.errors import ProxyError


def requests(fields: dict[str, Any]) -> list[bytes]:
    """Return the one body to send."""
    return [json.dumps({name: value for name, value in fields.items() if name != "prompt_vars"}).encode()]


def answer(contents: list[bytes], fields: dict[str, Any]) -> Answer:  # noqa: ARG001 - the protocol's
    """Return the container's answer as it is, after a check that it is Cohere's.

    Raises:
        ProxyError: ``bad_answer`` when it is no list of generated texts, ``answer_too_large``.

    """
    (content,) = contents
    document = parsed(content)
    try:
        texts = [generation["text"] for generation in document["generations"]]
    except (TypeError, KeyError):
        texts = []
    if not texts or not all(isinstance(one, str) for one in texts):
        raise bad_answer("it holds no generations")
    return Answer(bounded(content.decode()), len(texts), *_tokens(document))


def _tokens(document: dict[str, Any]) -> tuple[int | None, int | None]:
    """Return the tokens that went in and came out: as Cohere bills, else as many as there are likelihoods."""
    billed = billed_tokens(document)
    if billed:
        return billed
    try:
        return None, sum(len(generation["token_likelihoods"]) for generation in document["generations"])
    except (KeyError, TypeError):
        return None, None


def stream(fields: dict[str, Any]) -> GenerateStream:
    """Return the translation of one stream."""
    return GenerateStream(fields.get("num_generations", 1))


class GenerateStream(Stream):
    """Passes the objects of generate on; see ``proxy.dialects.answer.Stream``.

    Args:
        generations: how many the request asks for: each may say its own end before the stream's.

    """

    def __init__(self, generations: int) -> None:
        self._open = generations

    def events(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the object, with the ``event_type`` by which newer clients tell objects apart.

        Raises:
            ProxyError: ``bad_answer`` for what is none of generate's objects; ``model_failed`` when the model says so.

        """
        if document.get("is_finished") is not True:
            text_of(document)
            return [{"event_type": "text-generation", **document}]
        check_reason("ERROR" if "err" in document else document.get("finish_reason"))
        response = document.get("response")
        if isinstance(response, dict):
            self.finished = True
            self.tokens_in, self.tokens_out = billed_tokens(response) or billed_tokens(document) or (None, None)
        else:
            self._open -= 1
            self.finished = self._open <= 0
        return [{"event_type": "stream-end", **document}]

    def failure(self, error: ProxyError, request_id: str) -> list[dict[str, Any]]:  # noqa: ARG002 - the protocol's
        """Return the object that ends a stream that failed."""
        return [failure(error)]


def failure(error: ProxyError) -> dict[str, Any]:
    """Return the object that ends a stream of generate that failed."""
    reason = "TIMEOUT" if error.code == "timed_out" else "ERROR"
    return {"event_type": "stream-error", "is_finished": True, "finish_reason": reason, "err": sentence(error)}
