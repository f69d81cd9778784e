"""Generate in front of a container that answers chat: requests are translated, and answers back.

A new subscriber gets chat packages only, so generate goes on working in front of them. A field without a counterpart is
refused by name, never dropped. Sources: docs.cohere.com, API v1 ``chat``, and its guide "Migrating from the Generate
API to the Chat API".
"""

from __future__ import annotations

import json
from typing import Any, Final

from proxy.dialects.answer import Answer, billed_tokens, bounded
from proxy.errors import ProxyError
from proxy.routes.request import invalid

# The fields of chat with the same name and meaning. Every other field is handled below or refused.
_SAME: Final = (
    *("max_tokens", "temperature", "k", "p"),
    *("frequency_penalty", "presence_penalty", "stop_sequences"),
)
# The values that say what chat does by itself.
_IMPLIED: Final = {"return_likelihoods": "NONE", "truncate": "NONE"}


def requests(fields: dict[str, Any]) -> list[bytes]:
    """Return the chat requests for a generate request: one for each generation.

    Each has a seed of its own when a seed is given, since equal seeds would give equal texts.

    Raises:
        ProxyError: ``invalid_field`` for what chat cannot do.

    """
    rest = dict(fields)
    body: dict[str, Any] = {"message": rest.pop("prompt")}
    count, seed = rest.pop("num_generations", 1), rest.pop("seed", None)
    for name, implied in _IMPLIED.items():
        if rest.pop(name, implied) != implied:
            raise _refusal(name, f"must be {implied} or left out")
    body.update({name: rest.pop(name) for name in _SAME if name in rest})
    for name in rest:
        raise _refusal(name, "must be left out")
    if body.get("temperature", 0) > 1:
        raise _refusal("temperature", "must be a number from 0 to 1")
    if body.get("max_tokens") == 0:
        raise _refusal("max_tokens", "must be an integer of 1 or more")
    if seed is None:
        return [json.dumps(body).encode()] * count
    return [json.dumps({**body, "seed": seed + number}).encode() for number in range(count)]


def answer(contents: list[bytes], fields: dict[str, Any]) -> Answer:
    """Return Cohere's generate answer, with one generation of each chat answer.

    Raises:
        ProxyError: ``bad_answer`` when one of them is no chat answer, ``answer_too_large``.

    """
    documents = [_document(content) for content in contents]
    generations = [_generation(document) for document in documents]
    billed = [billed_tokens(document) for document in documents]
    usage: dict[str, Any] = {}
    tokens: tuple[int | None, int | None] = (None, None)
    if all(billed):
        # The prompt counts in each of them.
        tokens = sum(one[0] for one in billed if one), sum(one[1] for one in billed if one)
        usage = {"meta": {"billed_units": {"input_tokens": tokens[0], "output_tokens": tokens[1]}}}
    document = {"id": generations[0].get("id", ""), "generations": generations, "prompt": fields["prompt"], **usage}
    return Answer(bounded(json.dumps(document, ensure_ascii=False)), len(generations), *tokens)


def _refusal(name: str, allowed: str) -> ProxyError:
    return invalid(name, f"{allowed}: the model answers chat")


def _bad_answer() -> ProxyError:
    return ProxyError("bad_answer", "the model's answer is not Cohere's: it holds no text")


def _document(content: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise _bad_answer() from None


def _generation(document: Any) -> dict[str, str]:  # noqa: ANN401 - JSON
    try:
        found = {"text": document["text"]}
        for name, theirs in (("id", "generation_id"), ("finish_reason", "finish_reason")):
            if isinstance(document.get(theirs), str):
                found[name] = document[theirs]
    except (TypeError, KeyError, AttributeError):
        raise _bad_answer() from None
    if not isinstance(found["text"], str):
        raise _bad_answer()
    return found
