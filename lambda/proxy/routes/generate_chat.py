"""Generate requests for a container that answers chat: translated there, and its answers back.

All that a new subscriber gets today are chat packages, so generate goes on working in front of them. What chat has no
counterpart for is refused by name, never dropped. Sources: docs.cohere.com, API v1 ``chat``, and its guide "Migrating
from the Generate API to the Chat API".
"""

from __future__ import annotations

import json
from typing import Any, Final

from proxy.errors import ProxyError

_WITHOUT_COUNTERPART: Final = ("end_sequences", "logit_bias")
# Of these, chat does what the first value says by itself.
_ONLY: Final = {"return_likelihoods": "NONE", "truncate": "NONE"}
_AS_THEY_ARE: Final = (
    "max_tokens",
    "temperature",
    "k",
    "p",
    "frequency_penalty",
    "presence_penalty",
    "stop_sequences",
)


def bodies_of(fields: dict[str, Any]) -> list[bytes]:
    """Return the chat requests for a generate request: one for each generation that it asks for.

    Each has a seed of its own when a seed is given, since equal seeds would give equal texts.

    Raises:
        ProxyError: ``invalid_field`` for what chat cannot do.

    """
    for name in _WITHOUT_COUNTERPART:
        if name in fields:
            raise ProxyError("invalid_field", f"{name}: must be left out: the model answers chat")
    for name, only in _ONLY.items():
        if fields.get(name, only) != only:
            raise ProxyError("invalid_field", f"{name}: must be {only} or left out: the model answers chat")
    if fields.get("temperature", 0) > 1:
        raise ProxyError("invalid_field", "temperature: must be a number from 0 to 1: the model answers chat")
    if fields.get("max_tokens") == 0:
        raise ProxyError("invalid_field", "max_tokens: must be an integer of 1 or more: the model answers chat")
    body: dict[str, Any] = {
        "message": fields["prompt"],
        **{name: fields[name] for name in _AS_THEY_ARE if name in fields},
    }
    count, seed = fields.get("num_generations", 1), fields.get("seed")
    if seed is None:
        return [json.dumps(body).encode()] * count
    return [json.dumps({**body, "seed": seed + number}).encode() for number in range(count)]


def answer_of(contents: list[bytes], prompt: str) -> bytes:
    """Return Cohere's generate answer made of chat answers, one generation of each.

    Raises:
        ProxyError: ``bad_answer`` when one of them is no chat answer.

    """
    documents = [_document(content) for content in contents]
    generations = [_generation(document) for document in documents]
    answer = {"id": generations[0].get("id", ""), "generations": generations, "prompt": prompt, **_meta(documents)}
    return json.dumps(answer, ensure_ascii=False).encode()


def _document(content: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ProxyError("bad_answer", "the model's answer is not Cohere's: it holds no text") from None


def _meta(documents: list[Any]) -> dict[str, Any]:
    """Return the sum of what the answers say they bill, where all of them do: the prompt counts in each."""
    try:
        billed = [document["meta"]["billed_units"] for document in documents]
        units = {name: sum(int(one[name]) for one in billed) for name in ("input_tokens", "output_tokens")}
    except (KeyError, TypeError, ValueError):
        return {}
    return {"meta": {"billed_units": units}}


def _generation(document: Any) -> dict[str, str]:  # noqa: ANN401 - JSON
    try:
        found = {"text": document["text"]}
        for name, theirs in (("id", "generation_id"), ("finish_reason", "finish_reason")):
            if isinstance(document.get(theirs), str):
                found[name] = document[theirs]
    except (TypeError, KeyError, AttributeError):
        raise ProxyError("bad_answer", "the model's answer is not Cohere's: it holds no text") from None
    return found
