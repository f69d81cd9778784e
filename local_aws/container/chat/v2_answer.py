"""The answer and the stream of version 2 of the chat body.

Source: docs.cohere.com, "Streaming Responses" and "Streaming for tool use" (v2); the types of cohere-python.
"""

from __future__ import annotations

import json
import uuid
import zlib
from typing import Any

from local_aws.container import tokens
from local_aws.container.chat.reply import Call, Citation, Reply
from local_aws.container.chat.request import ChatRequest


def whole(request: ChatRequest, reply: Reply, *, logprobs: bool) -> dict[str, Any]:
    """Return Cohere's chat answer.

    Args:
        request: the request.
        reply: the model's reply.
        logprobs: whether the answer has the tokens' log-probabilities.

    """
    counts = {"input_tokens": request.input_tokens, "output_tokens": reply.output_tokens}
    shown = logprobs and not reply.calls
    return {
        "id": str(uuid.uuid4()),
        "message": _message(reply),
        "finish_reason": _finish_reason(reply),
        "usage": {"billed_units": counts, "tokens": counts},
        **({"logprobs": [_logprob(*pair) for pair in _pieces(reply)]} if shown else {}),
    }


def events(reply: Reply, answer: dict[str, Any], *, logprobs: bool) -> list[dict[str, Any]]:
    """Return the events of an answer's stream: the start, what the model writes, and the end with the usage."""
    empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    found = [_event("message-start", None, empty, id=answer["id"])]
    index = 0
    if reply.thinking:
        found += _block(index, "thinking", [(piece, {}) for piece in tokens.split(reply.thinking)], [])
        index += 1
    if reply.calls:
        found += [_event("tool-plan-delta", None, {"tool_plan": piece}) for piece in tokens.split(reply.plan)]
        found += [event for number, call in enumerate(reply.calls) for event in _of_call(number, call)]
    else:
        pairs = [
            (text, {"logprobs": _logprob(text, likelihood)} if logprobs else {}) for text, likelihood in _pieces(reply)
        ]
        citations = answer["message"].get("citations", [])
        inner = [event for number, one in enumerate(citations) for event in _of_citation(number, one)]
        found += _block(index, "text", pairs, inner)
    end = {"finish_reason": answer["finish_reason"], "usage": answer["usage"]}
    return [*found, {"type": "message-end", "delta": end}]


def _message(reply: Reply) -> dict[str, Any]:
    content = [{"type": "thinking", "thinking": reply.thinking}] if reply.thinking else []
    if reply.calls:
        calls = [_call(call, json.dumps(call.arguments)) for call in reply.calls]
        thought = {"content": content} if content else {}
        return {"role": "assistant", "tool_plan": reply.plan, "tool_calls": calls, **thought}
    citations = [_citation(one, reply, len(content)) for one in reply.citations]
    content = [*content, {"type": "text", "text": reply.generation.text}]
    return {"role": "assistant", "content": content, **({"citations": citations} if citations else {})}


def _finish_reason(reply: Reply) -> str:
    if reply.calls:
        return "TOOL_CALL"
    return "STOP_SEQUENCE" if reply.generation.cut else reply.generation.finish_reason


def _call(call: Call, arguments: str) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _citation(citation: Citation, reply: Reply, content_index: int) -> dict[str, Any]:
    source = citation.source
    shown = "tool_output" if source.kind == "tool" else "document"
    return {
        "start": citation.start,
        "end": citation.end,
        "text": reply.generation.text[citation.start : citation.end],
        "sources": [{"type": source.kind, "id": source.id, shown: dict(source.content)}],
        "content_index": content_index,
        "type": "TEXT_CONTENT",
    }


def _pieces(reply: Reply) -> list[tuple[str, float | None]]:
    """Return the tokens of the text, cut where it is cut, with their log-likelihoods."""
    return [
        (piece, token.likelihood)
        for piece, token in zip(reply.generation.pieces(), reply.generation.tokens, strict=False)
    ]


def _logprob(text: str, likelihood: float | None) -> dict[str, Any]:
    """Return a token's log-probability. Its id is a checksum of the text: this model's ids mean nothing elsewhere."""
    return {"text": text, "token_ids": [zlib.crc32(text.encode()) & 0xFFFF], "logprobs": [likelihood or 0.0]}


def _block(
    index: int, kind: str, pieces: list[tuple[str, dict[str, Any]]], inner: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the events of a block of content. The citations come before its end."""
    found = [_event("content-start", index, {"content": {"type": kind, kind: ""}})]
    found += [_event("content-delta", index, {"content": {kind: text}}, **more) for text, more in pieces]
    return [*found, *inner, {"type": "content-end", "index": index}]


def _of_call(index: int, call: Call) -> list[dict[str, Any]]:
    found = [_event("tool-call-start", index, {"tool_calls": _call(call, "")})]
    for piece in tokens.split(json.dumps(call.arguments)):
        found.append(_event("tool-call-delta", index, {"tool_calls": {"function": {"arguments": piece}}}))
    return [*found, {"type": "tool-call-end", "index": index}]


def _of_citation(index: int, citation: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        _event("citation-start", index, {"citations": citation}),
        {"type": "citation-end", "index": index},
    ]


def _event(kind: str, index: int | None, message: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    numbered = {} if index is None else {"index": index}
    return {"type": kind, **numbered, **more, "delta": {"message": message}}
