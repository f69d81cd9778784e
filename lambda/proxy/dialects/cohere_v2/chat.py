"""Chat v2 in front of a container that answers chat v2: fields and answers pass as they are.

OpenAI's translation is built on ``requests``, ``document`` and ``stream``.
Source: docs.cohere.com, API v2 ``chat``, and "Streaming responses".
"""

from __future__ import annotations

import json
from typing import Any

from proxy.dialects.answer import Answer, Stream, bad_answer, check_reason, parsed, written
from proxy.dialects.cohere_v2.events import failure, tokens_of
from proxy.errors import ProxyError


def requests(fields: dict[str, Any]) -> list[bytes]:
    """Return the one body to send."""
    return [json.dumps(fields).encode()]


def answer(contents: list[bytes], fields: dict[str, Any]) -> Answer:
    """Return the container's answer, after a check that it is Cohere's.

    Raises:
        ProxyError: ``bad_answer`` or ``answer_too_large``.

    """
    found = document(contents, fields)
    return Answer(written(found), 1, *tokens_of(found.get("usage")))


def document(contents: list[bytes], fields: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - as every translation
    """Return the container's answer.

    Raises:
        ProxyError: ``bad_answer`` when it holds no message.

    """
    (content,) = contents
    found = parsed(content)
    message = found.get("message")
    if not isinstance(message, dict) or not (_is_content(message.get("content")) or _is_list(message, "tool_calls")):
        raise bad_answer("it holds no message")
    return found


def _is_content(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, list) and all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in value)


def _is_list(message: dict[str, Any], name: str) -> bool:
    return isinstance(message.get(name), list)


def stream(fields: dict[str, Any]) -> ChatStream:  # noqa: ARG001 - as every translation
    """Return the translation of one stream."""
    return ChatStream()


class ChatStream(Stream):
    """Passes the events of chat v2 on; see ``proxy.dialects.answer.Stream``."""

    def __init__(self) -> None:
        self._id = ""
        self._usage: dict[str, Any] = {}

    def events(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the event.

        Raises:
            ProxyError: ``bad_answer`` for an object without a type; ``model_failed`` when the model says so.

        """
        kind = document.get("type")
        if not isinstance(kind, str):
            raise bad_answer("an event of its stream has no type")
        if kind == "message-start":
            self._id = document.get("id") or ""
        elif kind == "message-end":
            self._end(document.get("delta"))
        return [document]

    def _end(self, delta: Any) -> None:  # noqa: ANN401 - JSON
        end = delta if isinstance(delta, dict) else {}
        usage = end.get("usage")
        self._usage = usage if isinstance(usage, dict) else {}
        self.tokens_in, self.tokens_out = tokens_of(usage)
        check_reason(end.get("finish_reason"))
        self.finished = True

    def failure(self, error: ProxyError, request_id: str) -> list[dict[str, Any]]:
        """Return the event that ends a stream that failed."""
        return [failure(error, self._id or request_id, self._usage)]
