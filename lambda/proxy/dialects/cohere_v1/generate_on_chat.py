"""Generate in front of a container that answers chat: requests are translated, and answers back.

A new subscriber gets chat packages only, so generate goes on working in front of them. A field without a counterpart is
refused by name, never dropped. Sources: docs.cohere.com, API v1 ``chat``, and its guide "Migrating from the Generate
API to the Chat API".
"""

from __future__ import annotations

import json
from typing import Any, Final

from proxy.dialects.answer import Answer, Stream, billed_tokens, new_id, parsed, written
from proxy.dialects.cohere_v1.events import kind_of, response_of, text_of
from proxy.dialects.cohere_v1.generate import failure
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
    rest.pop("prompt_vars", None)  # empty
    if rest.pop("stream", False):
        body["stream"] = True
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
    documents = [parsed(content) for content in contents]
    generations = [_generation(document) for document in documents]
    billed = [billed_tokens(document) for document in documents]
    usage: dict[str, Any] = {}
    tokens: tuple[int | None, int | None] = (None, None)
    if all(billed):
        # The prompt counts in each of them.
        tokens = sum(one[0] for one in billed if one), sum(one[1] for one in billed if one)
        usage = {"meta": {"billed_units": {"input_tokens": tokens[0], "output_tokens": tokens[1]}}}
    document = {"id": generations[0]["id"], "generations": generations, "prompt": fields["prompt"], **usage}
    return Answer(written(document), len(generations), *tokens)


def _refusal(name: str, allowed: str) -> ProxyError:
    return invalid(name, f"{allowed}: the model answers chat")


def _generation(document: dict[str, Any]) -> dict[str, str]:
    found = {"text": text_of(document), "id": str(document.get("generation_id") or new_id())}
    if isinstance(document.get("finish_reason"), str):
        found["finish_reason"] = document["finish_reason"]
    return found


def stream(fields: dict[str, Any]) -> GenerateOnChatStream:
    """Return the translation of one stream."""
    return GenerateOnChatStream(fields["prompt"])


class GenerateOnChatStream(Stream):
    """Makes the objects of generate of chat's events; see ``proxy.dialects.answer.Stream``.

    Args:
        prompt: the prompt, which the last object repeats.

    """

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._texts: list[str] = []
        self._id = ""

    def events(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the objects for an event.

        Raises:
            ProxyError: ``bad_answer`` for an object that is no event; ``model_failed`` when the model says so.

        """
        kind = kind_of(document)
        if kind == "text-generation":
            return [self._text(text_of(document))]
        if kind == "stream-start":
            self._id = str(document.get("generation_id") or "")
        elif kind == "stream-end":
            response = response_of(document)
            return self._end(response, document.get("finish_reason") or response.get("finish_reason") or "COMPLETE")
        # Chat's other events have no counterpart, and come only with what no generate request asks for.
        return []

    def _text(self, text: str) -> dict[str, Any]:
        self._texts.append(text)
        return {"event_type": "text-generation", "text": text, "index": 0, "is_finished": False}

    def _end(self, response: dict[str, Any], reason: str) -> list[dict[str, Any]]:
        # A container may send the whole text with its end only.
        found = [] if self._texts else [self._text(text_of(response))]
        generation = {
            "id": self._id or str(response.get("generation_id") or ""),
            "text": "".join(self._texts),
            "finish_reason": reason,
        }
        whole: dict[str, Any] = {"id": generation["id"], "generations": [generation], "prompt": self._prompt}
        if billed := billed_tokens(response):
            self.tokens_in, self.tokens_out = billed
            whole["meta"] = {"billed_units": {"input_tokens": billed[0], "output_tokens": billed[1]}}
        self.finished = True
        end = {"event_type": "stream-end", "is_finished": True, "finish_reason": reason}
        return [*found, {**end, "response": whole}]

    def failure(self, error: ProxyError, request_id: str) -> list[dict[str, Any]]:  # noqa: ARG002 - the protocol's
        """Return the object that ends a stream that failed."""
        return [failure(error)]
