"""The answer and the stream of version 1 of the chat body.

Source: docs.cohere.com, "A Guide to Streaming Responses" (v1); the types of cohere-python.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from local_aws.container import tokens
from local_aws.container.chat.reply import Citation, Reply
from local_aws.container.chat.request import ChatRequest


def whole(request: ChatRequest, reply: Reply, turns: list[dict[str, Any]], *, planned: bool) -> dict[str, Any]:
    """Return Cohere's chat answer.

    Args:
        request: the request.
        reply: the model's reply.
        turns: the conversation before it.
        planned: whether the text has the plan of the calls; without it, the text is empty.

    """
    text = (reply.plan if planned else "") if reply.calls else reply.generation.text
    calls = [{"name": call.name, "parameters": call.arguments} for call in reply.calls]
    turn = {"role": "CHATBOT", "message": text, **({"tool_calls": calls} if calls else {})}
    documents = [{"id": source.id, **source.content} for source in request.sources]
    citations = [_citation(one, text) for one in reply.citations]
    return {
        **_ids(),
        "text": text,
        "chat_history": [*turns, turn],
        "finish_reason": reply.generation.finish_reason,
        "meta": _meta(request, reply.output_tokens),
        **({"tool_calls": calls} if calls else {}),
        **({"documents": documents} if documents and not calls else {}),
        **({"citations": citations} if citations else {}),
    }


def queries(request: ChatRequest, turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an answer that has only the search queries. The question is the only one."""
    return {
        **_ids(),
        "text": "",
        "chat_history": turns,
        "finish_reason": "COMPLETE",
        "is_search_required": True,
        "search_queries": [{"text": request.question, "generation_id": str(uuid.uuid4())}],
        "meta": _meta(request, len(tokens.split(request.question))),
    }


def events(reply: Reply, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of an answer's stream: the start, what the model writes, and the end with the answer."""
    if reply.calls:
        return _around(answer, *_of_calls(reply, answer))
    texts = [_event("text-generation", text=text) for text in reply.generation.pieces()]
    citations = [_event("citation-generation", citations=[one]) for one in answer.get("citations", [])]
    return _around(answer, *texts, *citations)


def events_of_queries(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of an answer that has only the search queries."""
    return _around(answer, _event("search-queries-generation", search_queries=answer["search_queries"]))


def _of_calls(reply: Reply, answer: dict[str, Any]) -> list[dict[str, Any]]:
    found = [_event("tool-calls-chunk", text=piece) for piece in tokens.split(answer["text"])]
    for index, call in enumerate(reply.calls):
        deltas = [{"index": index, "name": call.name}]
        deltas += [
            {"index": index, "parameters": piece} for piece in tokens.split(json.dumps(call.arguments, indent=4))
        ]
        found += [_event("tool-calls-chunk", tool_call_delta=delta) for delta in deltas]
    return [*found, _event("tool-calls-generation", text=answer["text"], tool_calls=answer["tool_calls"])]


def _around(answer: dict[str, Any], *events: dict[str, Any]) -> list[dict[str, Any]]:
    start = _event("stream-start", generation_id=answer["generation_id"])
    end = {
        "event_type": "stream-end",
        "is_finished": True,
        "finish_reason": answer["finish_reason"],
        "response": answer,
    }
    return [start, *events, end]


def _event(kind: str, **content: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"event_type": kind, "is_finished": False, **content}


def _citation(citation: Citation, text: str) -> dict[str, Any]:
    start, end = citation.start, citation.end
    return {"start": start, "end": end, "text": text[start:end], "document_ids": [citation.source.id]}


def _ids() -> dict[str, Any]:
    return {"response_id": str(uuid.uuid4()), "generation_id": str(uuid.uuid4())}


def _meta(request: ChatRequest, output_tokens: int) -> dict[str, Any]:
    counts = {"input_tokens": request.input_tokens, "output_tokens": output_tokens}
    return {"api_version": {"version": "1"}, "billed_units": counts, "tokens": counts}
