"""Cohere's chat answer of API v2 as a chat completion.

Citations have no place there. A model's thoughts are ``reasoning_content``, as other servers of OpenAI's API name them.
Sources: platform.openai.com/docs/api-reference/chat; openai-python's types; cohere-python's ``V2ChatResponse``.
"""

from __future__ import annotations

import os
import time
from typing import Any, Final

from proxy.dialects.answer import bad_answer, check_reason

_REASONS: Final = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
}


def from_v2(document: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the chat completion.

    Args:
        document: Cohere's answer.
        fields: OpenAI's request.

    Raises:
        ProxyError: ``bad_answer`` when it is no answer of chat v2; ``model_failed`` when it says so.

    """
    choice = {
        "index": 0,
        "message": _message(document["message"], fields),
        "logprobs": logprobs(document["logprobs"]) if document.get("logprobs") else None,
        "finish_reason": finish_reason(document.get("finish_reason")),
    }
    tokens = usage(document.get("usage"))
    return {
        "id": document.get("id") or f"chatcmpl-{os.urandom(12).hex()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": fields["model"],
        "choices": [choice],
        **({"usage": tokens} if tokens else {}),
    }


def finish_reason(reason: Any) -> str:  # noqa: ANN401 - JSON
    """Return OpenAI's word for why an answer ended.

    Raises:
        ProxyError: ``model_failed`` when the model failed.

    """
    check_reason(reason)
    return _REASONS.get(reason, "stop") if isinstance(reason, str) else "stop"


def usage(given: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the tokens, as the model counts them or else as Cohere bills them; empty when none are told."""
    for name in ("tokens", "billed_units"):
        try:
            prompt, answer = int(given[name]["input_tokens"]), int(given[name]["output_tokens"])
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        found: dict[str, Any] = {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
        }
        if isinstance(given.get("cached_tokens"), (int, float)):
            found["prompt_tokens_details"] = {"cached_tokens": int(given["cached_tokens"])}
        return found
    return {}


def logprobs(items: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the log-likelihoods; several tokens that make one piece of text are one, with their sum.

    Raises:
        ProxyError: ``bad_answer`` when they are none.

    """
    try:
        content = [
            {
                "token": one["text"],
                "logprob": sum(one["logprobs"]),
                "bytes": list(one["text"].encode("utf-8", "surrogatepass")),
                "top_logprobs": [],
            }
            for one in items
        ]
    except (KeyError, TypeError, AttributeError):
        raise bad_answer("its log-likelihoods are none") from None
    return {"content": content, "refusal": None}


def tool_call(given: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a call of a tool.

    Raises:
        ProxyError: ``bad_answer`` when it is none.

    """
    try:
        call_id, function = given["id"], given["function"]
        name, arguments = function["name"], function.get("arguments") or ""
    except (KeyError, TypeError, AttributeError):
        raise bad_answer("a tool call of it has no name") from None
    if not all(isinstance(one, str) for one in (call_id, name, arguments)):
        raise bad_answer("a tool call of it has no name")
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def allowed_calls(calls: list[Any], fields: dict[str, Any]) -> list[Any]:
    """Return the calls that the caller takes: without parallel calls, the first."""
    return calls if fields.get("parallel_tool_calls", True) else calls[:1]


def _message(message: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    parts = message.get("content") or []
    calls = [tool_call(one) for one in allowed_calls(message.get("tool_calls") or [], fields)]
    texts = [message.get("tool_plan") or "", _joined(parts, "text")]
    text = "\n".join(filter(None, texts))
    found: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else ""), "refusal": None}
    if calls:
        found["tool_calls"] = calls
    if thoughts := _joined(parts, "thinking"):
        found["reasoning_content"] = thoughts
    return found


def _joined(parts: list[dict[str, Any]], kind: str) -> str:
    try:
        return "".join(one[kind] for one in parts if one["type"] == kind)
    except (KeyError, TypeError):
        raise bad_answer("a part of its content has no text") from None
