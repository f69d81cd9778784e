"""The stream of Cohere's chat v2 as the chunks of a chat completion.

A failure is an object with ``error``, which OpenAI's clients raise.
Sources: platform.openai.com/docs/api-reference/chat-streaming; openai-python's ``_streaming.py``; cohere-python's
``V2ChatStreamResponse``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final

from proxy.dialects.answer import Stream, bad_answer
from proxy.dialects.errors import document_of
from proxy.dialects.openai.from_v2 import finish_reason, logprobs, tool_call, usage
from proxy.errors import ProxyError

Chunks = list[dict[str, Any]]


class CompletionStream(Stream):
    """Translates one stream; see ``proxy.dialects.answer.Stream``.

    Args:
        stream: makes chat v2's events.
        fields: OpenAI's request.

    """

    def __init__(self, stream: Stream, fields: dict[str, Any]) -> None:
        self._stream = stream
        self._model = fields["model"]
        self._with_usage = fields.get("stream_options", {}).get("include_usage", False)
        self._most_calls = None if fields.get("parallel_tool_calls", True) else 1
        self._calls: dict[Any, int] = {}  # the chunks' numbers of calls, by chat v2's
        self._id = ""
        self._created = int(time.time())

    def events(self, document: dict[str, Any]) -> Chunks:
        """Return the chunks for an object of the container.

        Raises:
            ProxyError: ``bad_answer`` for an object that is no event; ``model_failed`` when the model says so.

        """
        found: Chunks = []
        for event in self._stream.events(document):
            handle = _HANDLERS.get(event["type"])
            if handle:
                try:
                    found += handle(self, event)
                except (KeyError, TypeError, AttributeError):
                    raise bad_answer("an event of its stream lacks its content") from None
        self.tokens_in, self.tokens_out = self._stream.tokens_in, self._stream.tokens_out
        self.finished = self._stream.finished
        return found

    def failure(self, error: ProxyError, request_id: str) -> Chunks:
        """Return the object that ends a stream that failed."""
        return [document_of(error, "openai", request_id)]

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        found = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": [choice],
        }
        return {**found, "usage": None} if self._with_usage else found

    def _start(self, event: dict[str, Any]) -> Chunks:
        self._id = event.get("id") or f"chatcmpl-{os.urandom(12).hex()}"
        return [self._chunk({"role": "assistant", "content": "", "refusal": None})]

    def _content(self, event: dict[str, Any]) -> Chunks:
        content = event["delta"]["message"]["content"]
        found = []
        if content.get("thinking"):
            found.append(self._chunk({"reasoning_content": content["thinking"]}))
        if content.get("text"):
            found.append(self._chunk({"content": content["text"]}))
        if event.get("logprobs"):
            if not found:
                found.append(self._chunk({"content": ""}))
            found[-1]["choices"][0]["logprobs"] = logprobs([event["logprobs"]])
        return found

    def _plan(self, event: dict[str, Any]) -> Chunks:
        return [self._chunk({"content": event["delta"]["message"]["tool_plan"]})]

    def _call(self, event: dict[str, Any]) -> Chunks:
        number = len(self._calls)
        if number == self._most_calls:
            return []
        self._calls[event.get("index")] = number
        call = tool_call(event["delta"]["message"]["tool_calls"])
        return [self._chunk({"tool_calls": [{"index": number, **call}]})]

    def _arguments(self, event: dict[str, Any]) -> Chunks:
        number = self._calls.get(event.get("index"))
        if number is None:
            return []
        arguments = event["delta"]["message"]["tool_calls"]["function"]["arguments"]
        return [self._chunk({"tool_calls": [{"index": number, "function": {"arguments": arguments}}]})]

    def _end(self, event: dict[str, Any]) -> Chunks:
        delta = event["delta"]
        found = [self._chunk({}, finish_reason(delta.get("finish_reason")))]
        tokens = usage(delta.get("usage"))
        if self._with_usage and tokens:
            found.append({**self._chunk({}), "choices": [], "usage": tokens})
        return found


_HANDLERS: Final[dict[str, Callable[[CompletionStream, dict[str, Any]], Chunks]]] = {
    "message-start": CompletionStream._start,
    "content-start": CompletionStream._content,
    "content-delta": CompletionStream._content,
    "tool-plan-delta": CompletionStream._plan,
    "tool-call-start": CompletionStream._call,
    "tool-call-delta": CompletionStream._arguments,
    "message-end": CompletionStream._end,
}
"""What of chat v2 has a chunk; ends of parts and citations have none."""
