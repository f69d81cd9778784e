"""The stream of chat v1 as that of chat v2.

Source: docs.cohere.com, API v1 and v2 ``chat``, "Streaming"; cohere-python's ``StreamedChatResponse`` and
``V2ChatStreamResponse``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from proxy.dialects.answer import Stream, bad_answer
from proxy.dialects.cohere_v1.events import kind_of, response_of, text_of
from proxy.dialects.cohere_v2 import chat_on_chat as whole
from proxy.dialects.cohere_v2.events import failure, tokens_of
from proxy.dialects.cohere_v2.sources import Sources
from proxy.errors import ProxyError

Events = list[dict[str, Any]]
_STOPPED: Final = ("ERROR_TOXIC", "USER_CANCEL")


class ChatOnChatStream(Stream):
    """Makes chat v2's events of chat v1's; see ``proxy.dialects.answer.Stream``.

    Args:
        fields: the request.

    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self._sources = Sources(fields)
        self._usage: dict[str, Any] = {}
        self._id = ""
        self._begun = False
        self._contents = 0  # blocks of text, begun so far
        self._in_content = False
        self._planned = False
        self._calls = 0  # begun so far
        self._open_call: int | None = None  # the container's number of it
        self._arguments = False  # whether the open call has some
        self._cited = 0

    def events(self, document: dict[str, Any]) -> Events:
        """Return the events for an event of chat v1.

        Raises:
            ProxyError: ``bad_answer`` for an object that is no event; ``model_failed`` when the model says so.

        """
        handle = _HANDLERS.get(kind_of(document))
        if self._begun:
            # What has no counterpart, as a debugging event or search queries, comes only when it is asked for.
            return handle(self, document) if handle else []
        self._begun = True
        self._id = str(document.get("generation_id") or "")
        start = {"type": "message-start", "id": self._id, "delta": {"message": {"role": "assistant"}}}
        return [start, *(handle(self, document) if handle else ())]

    def failure(self, error: ProxyError, request_id: str) -> Events:
        """Return the event that ends a stream that failed."""
        return [failure(error, self._id or request_id, self._usage)]

    def _text(self, document: dict[str, Any]) -> Events:
        delta = {"type": "content-delta", "delta": {"message": {"content": {"text": text_of(document)}}}}
        if self._in_content:
            return [{**delta, "index": self._contents - 1}]
        self._in_content = True
        self._contents += 1
        index = self._contents - 1
        start = {"message": {"content": {"type": "text", "text": ""}}}
        return [{"type": "content-start", "index": index, "delta": start}, {**delta, "index": index}]

    def _plan(self, text: Any) -> Events:  # noqa: ANN401 - JSON
        if not isinstance(text, str) or not text:
            return []
        self._planned = True
        return [{"type": "tool-plan-delta", "delta": {"message": {"tool_plan": text}}}]

    def _chunk(self, document: dict[str, Any]) -> Events:
        """Return the events for a piece of a plan or of a call."""
        delta = document.get("tool_call_delta")
        if not isinstance(delta, dict):
            return self._plan(document.get("text"))
        events = self._plan(delta.get("text") or document.get("text"))
        name, number, arguments = delta.get("name"), delta.get("index"), delta.get("parameters")
        if name and (self._open_call is None or number is None or number != self._open_call):
            events += self._close()
            self._open_call = -1 if number is None else number
            events.append(self._begin_call(name))
        if arguments:
            if self._open_call is None or not isinstance(arguments, str):
                raise bad_answer("a piece of a tool call has no name before it")
            events.append(self._argument(arguments))
        return events

    def _begin_call(self, name: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        self._calls += 1
        self._arguments = False
        call = whole.tool_call(name, None)
        return {"type": "tool-call-start", "index": self._calls - 1, "delta": {"message": {"tool_calls": call}}}

    def _argument(self, text: str) -> dict[str, Any]:
        self._arguments = True
        delta = {"message": {"tool_calls": {"function": {"arguments": text}}}}
        return {"type": "tool-call-delta", "index": self._calls - 1, "delta": delta}

    def _close(self) -> Events:
        """Return the ends of what is open."""
        events: Events = []
        if self._in_content:
            self._in_content = False
            events.append({"type": "content-end", "index": self._contents - 1})
        if self._open_call is not None:
            self._open_call = None
            if not self._arguments:
                events.append(self._argument("{}"))
            events.append({"type": "tool-call-end", "index": self._calls - 1})
        return events

    def _tool_calls(self, document: dict[str, Any]) -> Events:
        """Return the events for whole calls: those that came in pieces are known."""
        given = whole.tool_calls(document)
        if not given:
            return []
        events, calls = self._close(), given[self._calls :]
        if calls and not self._planned and not self._contents:
            events += self._plan(document.get("text"))
        for call in calls:
            arguments = call["function"]["arguments"]
            start = self._begin_call(call["function"]["name"])
            events += [start, self._argument(arguments), {"type": "tool-call-end", "index": self._calls - 1}]
        return events

    def _citations(self, document: dict[str, Any]) -> Events:
        events: Events = []
        for one in whole.citations(document):
            found = {"message": {"citations": self._sources.citation(one)}}
            events.append({"type": "citation-start", "index": self._cited, "delta": found})
            events.append({"type": "citation-end", "index": self._cited})
            self._cited += 1
        return events

    def _documents(self, document: dict[str, Any]) -> Events:
        self._sources.tell(document.get("documents"))
        return []

    def _end(self, document: dict[str, Any]) -> Events:
        """Return what only the whole answer holds, and the end."""
        response = document.get("response")
        self._usage = whole.usage_of(response) if isinstance(response, dict) else {}
        self.tokens_in, self.tokens_out = tokens_of(self._usage)
        response = response_of(document)
        self._sources.tell(response.get("documents"))
        events = self._tool_calls(response)
        if not self._calls and not self._contents:
            events += self._text(response)
        events += self._citations({"citations": whole.citations(response)[self._cited :]})
        events += self._close()
        reason = document.get("finish_reason") or response.get("finish_reason")
        delta: dict[str, Any] = {"finish_reason": whole.finish_reason(reason, self._calls > 0)}
        if reason in _STOPPED:
            delta["error"] = f"model_failed: the model ended its answer with {reason}"
        if self._usage:
            delta["usage"] = self._usage
        self.finished = True
        return [*events, {"type": "message-end", "id": self._id, "delta": delta}]


_HANDLERS: Final[dict[str, Callable[[ChatOnChatStream, dict[str, Any]], Events]]] = {
    "text-generation": ChatOnChatStream._text,
    "tool-calls-chunk": ChatOnChatStream._chunk,
    "tool-calls-generation": ChatOnChatStream._tool_calls,
    "citation-generation": ChatOnChatStream._citations,
    "search-results": ChatOnChatStream._documents,
    "stream-end": ChatOnChatStream._end,
}
