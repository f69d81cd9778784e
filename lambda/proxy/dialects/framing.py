"""How the events of a stream are written: as server-sent events, or one JSON object a line.

Sources: html.spec.whatwg.org, "Server-sent events"; docs.cohere.com, "Streaming"; platform.openai.com, "Streaming".
Some clients of Cohere's routes read lines only and say so by ``Accept: application/json``; Cohere's own send ``*/*``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Framing:
    """How the events of a stream are written.

    Attributes:
        media_type: the content type of the response.
        write: returns the bytes of one event.
        end: what follows the last event.

    """

    media_type: str
    write: Callable[[dict[str, Any]], bytes]
    end: bytes = b""


def _line(event: dict[str, Any]) -> bytes:
    return _bytes(f"{_encode(event)}\n")


def _cohere_v1_event(event: dict[str, Any]) -> bytes:
    return _bytes(f"event: {event.get('event_type', 'message')}\ndata: {_encode(event)}\n\n")


def _cohere_v2_event(event: dict[str, Any]) -> bytes:
    return _bytes(f"event: {event['type']}\ndata: {_encode(event)}\n\n")


def _openai_event(event: dict[str, Any]) -> bytes:
    return _bytes(f"data: {_encode(event)}\n\n")


def _bytes(text: str) -> bytes:
    # Half a surrogate pair has no bytes in UTF-8: it stays the escape that it was in the container's JSON.
    return text.encode("utf-8", "backslashreplace")


_DONE: Final = b"data: [DONE]\n\n"
LINES: Final = Framing("application/stream+json", _line)
_V1_EVENTS: Final = Framing("text/event-stream", _cohere_v1_event)
_V2_EVENTS: Final = Framing("text/event-stream", _cohere_v2_event, _DONE)
_OPENAI_EVENTS: Final = Framing("text/event-stream", _openai_event, _DONE)


def choose(route: str, accept: str) -> Framing:
    """Return how a route's stream is written.

    Args:
        route: the route's name.
        accept: the request's ``Accept``: generate and chat v1 write lines unless it asks for ``text/event-stream``;
            chat v2 writes events unless it asks for ``application/json`` or a kind of lines.

    """
    if route == "chat_completions":
        return _OPENAI_EVENTS
    accepts_events = "text/event-stream" in accept
    if route == "chat_v2":
        return LINES if "json" in accept and not accepts_events else _V2_EVENTS
    return _V1_EVENTS if accepts_events else LINES
