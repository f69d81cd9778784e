"""Chat v1 in front of a container that answers chat v1: fields and answers pass as they are.

Source: docs.cohere.com, API v1 ``chat``.
"""

from __future__ import annotations

import json
from typing import Any, Final

from proxy.dialects.answer import Answer, Stream, bad_answer, billed_tokens, bounded, new_id, parsed, written
from proxy.dialects.cohere_v1.events import kind_of, response_of, sentence, text_of
from proxy.errors import ProxyError

# An answer may be without a text when it holds one of these.
_INSTEAD_OF_A_TEXT: Final = ("tool_calls", "search_queries")
_IDS: Final = ("response_id", "generation_id")


def requests(fields: dict[str, Any]) -> list[bytes]:
    """Return the one body to send; the roles of the history as Cohere's documents write them."""
    body = {name: value for name, value in fields.items() if name != "conversation_id"}
    if "chat_history" in body:
        body["chat_history"] = [{**turn, "role": turn["role"].upper()} for turn in body["chat_history"]]
    return [json.dumps(body).encode()]


def answer(contents: list[bytes], fields: dict[str, Any]) -> Answer:  # noqa: ARG001 - the protocol's
    """Return the container's answer as it is, after a check that it is Cohere's; with ids, which clients read.

    Raises:
        ProxyError: ``bad_answer`` when it holds neither a text nor tool calls, ``answer_too_large``.

    """
    (content,) = contents
    document = parsed(content)
    if not isinstance(document.get("text"), str) and not any(
        isinstance(document.get(name), list) for name in _INSTEAD_OF_A_TEXT
    ):
        raise bad_answer("it holds no text")
    missing = [name for name in _IDS if not document.get(name)]
    body = written({**document, **{name: new_id() for name in missing}}) if missing else None
    return Answer(body or bounded(content.decode()), 1, *(billed_tokens(document) or (None, None)))


def stream(fields: dict[str, Any]) -> ChatStream:  # noqa: ARG001 - the protocol's
    """Return the translation of one stream."""
    return ChatStream()


class ChatStream(Stream):
    """Passes the events of chat v1 on; see ``proxy.dialects.answer.Stream``."""

    def __init__(self) -> None:
        self._id = ""
        self._texts: list[str] = []

    def events(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the event.

        Raises:
            ProxyError: ``bad_answer`` for an object that is no event; ``model_failed`` when the model says so.

        """
        kind = kind_of(document)
        if kind == "text-generation":
            self._texts.append(text_of(document))
        elif kind == "stream-start":
            self._id = str(document.get("generation_id") or "")
        elif kind == "stream-end":
            self.tokens_in, self.tokens_out = billed_tokens(response_of(document)) or (None, None)
            self.finished = True
        return [document]

    def failure(self, error: ProxyError, request_id: str) -> list[dict[str, Any]]:
        """Return the event that ends a stream that failed, with the text so far."""
        response = {
            "generation_id": self._id or request_id,
            "text": "".join(self._texts),
            "finish_reason": "ERROR",
        }
        end = {"event_type": "stream-end", "is_finished": True, "finish_reason": "ERROR"}
        return [{**end, "err": sentence(error), "response": response}]
