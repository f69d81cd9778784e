"""Requests as the core reads them, and answers and streams of chat containers, for the tests of the dialects."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from proxy.dialects.answer import Stream
from proxy.errors import ProxyError
from proxy.routes.request import FieldReader
from proxy.routes.table import LIMITS, Route

_LIMITS = dict.fromkeys(LIMITS, 1000)
CHAT_ANSWER = {
    "response_id": "r-1",
    "generation_id": "g-1",
    "text": "a chat answer",
    "finish_reason": "COMPLETE",
    "meta": {
        "api_version": {"version": "1"},
        "billed_units": {"input_tokens": 3, "output_tokens": 4},
        "tokens": {"input_tokens": 30, "output_tokens": 5},
    },
}
USAGE = {name: CHAT_ANSWER["meta"][name] for name in ("billed_units", "tokens")}  # type: ignore[index]


def reader(route: Route) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what reads the fields of a request, as translations get them: without the model."""
    fields = FieldReader(route, _LIMITS)

    def read(document: dict[str, Any]) -> dict[str, Any]:
        found = fields.read(json.dumps(document).encode())
        found.pop("model", None)
        return found

    return read


def refusal(function: Callable[[], Any]) -> str:
    """Return the message with which a request is refused; empty when it is not."""
    try:
        function()
    except ProxyError as error:
        return error.message if error.code == "invalid_field" else error.code
    return ""


def run(stream: Stream, documents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events of a whole stream, as the core makes them: a failure ends it."""
    events: list[dict[str, Any]] = []
    try:
        for document in documents:
            events += stream.events(document)
        if not stream.finished:
            raise ProxyError("connection_lost", "the model's stream ended before its end")
    except ProxyError as error:
        events += stream.failure(error, "request-1")
    return events


def chat_stream(*events: dict[str, Any], **response: Any) -> list[dict[str, Any]]:
    """Return a stream of a chat v1 container, with its first and its last event."""
    whole = {**CHAT_ANSWER, **response}
    end = {"event_type": "stream-end", "finish_reason": whole["finish_reason"], "response": whole}
    return [{"event_type": "stream-start", "generation_id": "g-1"}, *events, end]


def text(piece: str) -> dict[str, Any]:
    return {"event_type": "text-generation", "text": piece}


def message_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the whole answer that a stream tells, as a client puts it together; check that blocks are well formed."""
    start, *middle, end = events
    assert (start["type"], end["type"]) == ("message-start", "message-end")
    message: dict[str, Any] = {"role": "assistant"}
    opened: set[tuple[str, int]] = set()
    for event in middle:
        kind, _, step = event["type"].rpartition("-")
        delta = event.get("delta", {}).get("message")
        if kind == "tool-plan":
            message["tool_plan"] = message.get("tool_plan", "") + delta["tool_plan"]
            continue
        block = (kind, event["index"])
        if step == "start":
            opened.add(block)
            name = {"content": "content", "tool-call": "tool_calls", "citation": "citations"}[kind]
            message.setdefault(name, []).append(json.loads(json.dumps(delta[name])))
            assert len(message[name]) == event["index"] + 1
        elif step == "delta" and kind == "content":
            message["content"][event["index"]]["text"] += delta["content"]["text"]
        elif step == "delta":
            piece = delta["tool_calls"]["function"]["arguments"]
            message["tool_calls"][event["index"]]["function"]["arguments"] += piece
        assert block in opened
        if step == "end":
            opened.remove(block)
    assert not opened
    return {"id": start["id"], **{k: v for k, v in end["delta"].items() if k != "error"}, "message": message}
