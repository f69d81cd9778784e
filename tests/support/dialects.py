"""The least that the clients accept as an answer, for each route: facts of the clients, not of the proxy."""

import base64
import struct
from typing import Any

from tests.support.scripted import JSON, SSE, Answer, Received

TOKENS = {"input_tokens": 1, "output_tokens": 2}
META = {"api_version": {"version": "1"}, "billed_units": TOKENS}
"""Version 4 of Cohere's SDK needs it and ``response_id``; 5.10 needs the units in an embedding's, if it has one."""
CALL = {"id": "call-1", "type": "function", "function": {"name": "weather", "arguments": '{"town": "Rome"}'}}
OPENAI_CALL = {"index": 0, **CALL}
V1_CHAT_END = {"event_type": "stream-end", "is_finished": True, "finish_reason": "COMPLETE", "response": {"text": "ok"}}


def answer(received: Received) -> Answer:
    """Return the least answer that the clients accept."""
    body = received.body or {}
    path = received.path.removeprefix("/compatibility")
    if received.method == "GET":
        return Answer.of(_models(received.path))
    if path.endswith("/check-api-key"):
        return Answer.of({"valid": True, "organization_id": "o", "owner_id": "w"})
    if path.endswith("/chat/completions"):
        return _completions(body)
    if path.endswith("/embeddings"):
        return Answer.of(_embeddings(body))
    if path.endswith("/generate"):
        return _generate(body)
    if path.endswith("/rerank"):
        return Answer.of({"id": "r", "results": _ranked(body), "meta": META})
    if path.endswith("/embed"):
        return Answer.of(_embed(body, path))
    if path == "/v1/chat":
        return _chat_v1(body, received.headers.get("accept", ""))
    if path == "/v2/chat":
        return _chat_v2(body, received.headers.get("accept", ""))
    return Answer.of({"message": f"no route {path}", "id": "i", "code": "not_found"}, 404)


def _models(path: str) -> Any:
    model = {"name": "command-r", "endpoints": ["chat"], "default_endpoints": ["chat"], "context_length": 1000}
    if not path.startswith("/compatibility"):
        return {"models": [model]} if path.endswith("/models") else model
    listed = {"id": "command-r", "object": "model", "created": 1, "owned_by": "cohere"}
    return {"object": "list", "data": [listed]} if path.endswith("/models") else listed


def _generate(body: Any) -> Answer:
    if not body.get("stream"):
        return Answer.of({"id": "g", "generations": [{"id": "g", "text": "ok"}]})
    end = {"is_finished": True, "finish_reason": "COMPLETE", "response": {"id": "g", "generations": []}}
    words = [{"event_type": "text-generation", "text": text, "index": 0, "is_finished": False} for text in ("o", "k")]
    return Answer.events(*words, {"event_type": "stream-end", **end}, content_type=JSON)


def _chat_v1(body: Any, accept: str) -> Answer:
    if not body.get("stream"):
        called = {"tool_calls": [{"name": "weather", "parameters": {"town": "Rome"}}]} if body.get("tools") else {}
        return Answer.of({"text": "ok", "generation_id": "g", "response_id": "r", "meta": META, **called})
    words = [{"event_type": "text-generation", "text": text, "is_finished": False} for text in ("o", "k")]
    return Answer.events(*words, V1_CHAT_END, content_type=SSE if SSE in accept else JSON)


def _chat_v2(body: Any, accept: str) -> Answer:
    calls = "tools" in body and body["messages"][-1]["role"] != "tool"
    if not body.get("stream"):
        message: dict[str, Any] = {"role": "assistant", "content": [{"type": "text", "text": text_for(body)}]}
        if calls:
            message = {"role": "assistant", "tool_calls": [CALL], "tool_plan": "I look."}
        reason = "TOOL_CALL" if calls else "COMPLETE"
        usage = {"billed_units": TOKENS, "tokens": TOKENS}
        return Answer.of({"id": "c", "finish_reason": reason, "message": message, "usage": usage})
    return Answer.events(*v2_events(tool=calls), content_type=JSON if accept == JSON else SSE, done=accept != JSON)


def v2_events(*, tool: bool = False) -> list[Any]:
    """Return the events of a stream of ``/v2/chat``."""
    start: dict[str, Any] = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    end = {"finish_reason": "TOOL_CALL" if tool else "COMPLETE", "usage": {"billed_units": TOKENS, "tokens": TOKENS}}
    middle: list[Any] = [
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        *(
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}}
            for text in ("o", "k")
        ),
        {"type": "content-end", "index": 0},
    ]
    if tool:
        empty = {**CALL, "function": {"name": "weather", "arguments": ""}}
        arguments = {"function": {"arguments": CALL["function"]["arguments"]}}  # type: ignore[index]
        middle = [
            {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I look."}}},
            {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": empty}}},
            {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": arguments}}},
            {"type": "tool-call-end", "index": 0},
        ]
    head = {"type": "message-start", "id": "c", "delta": {"message": start}}
    return [head, *middle, {"type": "message-end", "id": "c", "delta": end}]


def text_for(body: Any) -> str:
    """Return ``ok``; an object if the request asks for one."""
    return '{"name": "Rome"}' if (body.get("response_format") or {}).get("type", "text") != "text" else "ok"


def _completions(body: Any) -> Answer:
    calls = "tools" in body and body["messages"][-1]["role"] != "tool"
    base = {"id": "o", "created": 1, "model": body["model"]}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    if not body.get("stream"):
        message: dict[str, Any] = {"role": "assistant", "content": text_for(body)}
        if calls:
            message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
        reason = "tool_calls" if calls else "stop"
        choices = [{"index": n, "finish_reason": reason, "message": message} for n in range(body.get("n") or 1)]
        return Answer.of({**base, "object": "chat.completion", "choices": choices, "usage": usage})
    base["object"] = "chat.completion.chunk"
    deltas = [{"tool_calls": [OPENAI_CALL]}] if calls else [{"content": "o"}, {"content": "k"}]
    chunks = [
        {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in ({"role": "assistant", "content": ""}, *deltas)
    ]
    end = {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}]}
    counted = (body.get("stream_options") or {}).get("include_usage")
    return Answer.events(*chunks, end, *([{**base, "choices": [], "usage": usage}] if counted else []), done=True)


def _vectors(count: int) -> list[list[float]]:
    return [[0.5, number + 1.0] for number in range(count)]


def _embed(body: Any, path: str) -> Any:
    given = next(body[name] for name in ("texts", "images", "inputs") if body.get(name))
    vectors = _vectors(len(given))
    types = body.get("embedding_types")
    if not types and path == "/v1/embed":
        return {"response_type": "embeddings_floats", "id": "e", "embeddings": vectors, "texts": given, "meta": META}
    return {"response_type": "embeddings_by_type", "id": "e", "embeddings": {"float": vectors}, "texts": given}


def _embeddings(body: Any) -> Any:
    given = body["input"]
    several = isinstance(given, list) and not isinstance(given[0], int)
    vectors: list[Any] = list(_vectors(len(given) if several else 1))
    if body.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack(f"<{len(one)}f", *one)).decode() for one in vectors]
    data = [{"object": "embedding", "index": n, "embedding": one} for n, one in enumerate(vectors)]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def _ranked(body: Any) -> list[Any]:
    count = min(body.get("top_n") or len(body["documents"]), len(body["documents"]))
    return [{"index": number, "relevance_score": 0.9 - number / 10} for number in range(count)]
