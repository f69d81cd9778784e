"""Chat v2 in front of a container that answers chat v1: requests are translated, and answers back.

A field without a counterpart is refused by name, never dropped. OpenAI's translation is built on ``requests``,
``document`` and ``stream``. Sources: docs.cohere.com, API v1 and v2 ``chat``, and "Migrating from API v1 to API v2".
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

from proxy.dialects.answer import Answer, Stream, bad_answer, new_id, parsed, written
from proxy.dialects.cohere_v2.events import tokens_of
from proxy.dialects.cohere_v2.messages import V1, conversation
from proxy.dialects.cohere_v2.sources import Sources, documents
from proxy.routes.request import invalid

# The fields of chat v1 with the same name and meaning. Every other field is handled below or refused.
_SAME: Final = (
    *("stream", "max_tokens", "temperature", "k", "p", "seed"),
    *("stop_sequences", "frequency_penalty", "presence_penalty"),
)
# The values that say what chat v1 does by itself.
_IMPLIED: Final = {"strict_tools": False, "logprobs": False, "priority": 0}
_REASONS: Final = {
    "ERROR_LIMIT": "MAX_TOKENS",  # the longest context, in chat v1's words
    "ERROR_TOXIC": "ERROR",
    "USER_CANCEL": "ERROR",
}


def requests(fields: dict[str, Any]) -> list[bytes]:
    """Return the one chat v1 request.

    Raises:
        ProxyError: ``invalid_field`` for what chat v1 cannot do.

    """
    rest = dict(fields)
    body = conversation(rest.pop("messages"))
    body.update({name: rest.pop(name) for name in _SAME if name in rest})
    if "documents" in rest:
        body["documents"] = documents(rest.pop("documents"))
    if mode := rest.pop("citation_options", {}).get("mode"):
        body["citation_quality"] = mode
    if "safety_mode" in rest:
        mode = rest.pop("safety_mode")
        body["safety_mode"] = "NONE" if mode == "OFF" else mode
    if "response_format" in rest:
        body["response_format"] = _response_format(rest.pop("response_format"))
    _add_tools(rest, body)
    if rest.pop("thinking", {}).get("type", "disabled") != "disabled":
        raise invalid("thinking.type", f"must be disabled, or thinking left out: {V1}")
    for name, implied in _IMPLIED.items():
        if rest.pop(name, implied) != implied:
            raise invalid(name, f"must be {json.dumps(implied)} or left out: {V1}")
    for name in rest:
        raise invalid(name, f"must be left out: {V1}")
    return [json.dumps(body).encode()]


def _response_format(given: dict[str, Any]) -> dict[str, Any]:
    found = {"type": given["type"]}
    schemas = [given[name] for name in ("json_schema", "schema") if name in given]
    if len(schemas) > 1 or (schemas and given["type"] == "text"):
        raise invalid("response_format", "must have one of json_schema and schema, and only with json_object")
    return {**found, "schema": schemas[0]} if schemas else found


def _add_tools(rest: dict[str, Any], body: dict[str, Any]) -> None:
    """Add the tools to the body, unless none may be called."""
    given, choice = rest.pop("tools", []), rest.pop("tool_choice", None)
    if choice == "REQUIRED":
        raise invalid("tool_choice", f"must be NONE or left out: {V1}, which cannot be forced to call a tool")
    if given and (choice is None or "tool_results" in body):
        from proxy.dialects.cohere_v2.tools import tools  # not needed by most requests

        body["tools"] = tools(given)
        if choice == "NONE":
            # Results need their tools; so the model answers after them.
            body["force_single_step"] = True


def answer(contents: list[bytes], fields: dict[str, Any]) -> Answer:
    """Return Cohere's chat v2 answer.

    Raises:
        ProxyError: ``bad_answer`` or ``answer_too_large``.

    """
    found = document(contents, fields)
    return Answer(written(found), 1, *tokens_of(found.get("usage")))


def document(contents: list[bytes], fields: dict[str, Any]) -> dict[str, Any]:
    """Return Cohere's chat v2 answer, made of that of chat v1.

    Raises:
        ProxyError: ``bad_answer`` when it is no chat v1 answer.

    """
    (content,) = contents
    given = parsed(content)
    message: dict[str, Any] = {"role": "assistant"}
    text, calls = given.get("text"), tool_calls(given)
    if not isinstance(text, str) and not (calls and text is None):
        raise bad_answer("it holds no text")
    if calls:
        message["tool_calls"] = calls
        if text:
            message["tool_plan"] = text
    else:
        message["content"] = [{"type": "text", "text": text}]
    if given.get("citations"):
        sources = Sources(fields)
        sources.tell(given.get("documents"))
        message["citations"] = [sources.citation(one) for one in citations(given)]
    found = {
        "id": given.get("generation_id") or given.get("response_id") or new_id(),
        "finish_reason": finish_reason(given.get("finish_reason"), bool(calls)),
        "message": message,
    }
    usage = usage_of(given)
    return {**found, "usage": usage} if usage else found


def tool_calls(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the calls of a chat v1 answer or event, each with an id of its own: chat v1 has none.

    Raises:
        ProxyError: ``bad_answer`` for what is no call.

    """
    try:
        return [tool_call(one["name"], one["parameters"]) for one in given.get("tool_calls") or ()]
    except (TypeError, KeyError):
        raise bad_answer("a tool call of it has no name or no parameters") from None


def tool_call(name: Any, parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a call of chat v2.

    Args:
        name: the tool's name.
        parameters: the arguments; None when they follow.

    Raises:
        ProxyError: ``bad_answer`` when they are no name and no object.

    """
    if not isinstance(name, str) or not (parameters is None or isinstance(parameters, dict)):
        raise bad_answer("a tool call of it has no name or no parameters")
    arguments = "" if parameters is None else json.dumps(parameters, ensure_ascii=False)
    function = {"name": name, "arguments": arguments}
    return {"id": f"{name}_{os.urandom(6).hex()}", "type": "function", "function": function}


def citations(given: dict[str, Any]) -> list[Any]:
    """Return the citations of a chat v1 answer or event.

    Raises:
        ProxyError: ``bad_answer`` when they are no list.

    """
    found = given.get("citations") or []
    if not isinstance(found, list):
        raise bad_answer("its citations are no list")
    return found


def finish_reason(reason: Any, called: bool) -> str:  # noqa: ANN401 - JSON
    """Return chat v2's word for why an answer ended."""
    if called and reason in (None, "COMPLETE"):
        return "TOOL_CALL"
    return _REASONS.get(reason, reason) if isinstance(reason, str) else "COMPLETE"


def usage_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return chat v2's ``usage`` of a chat v1 answer; empty when it tells no tokens."""
    meta, count = given.get("meta"), given.get("token_count")
    found = {}
    if isinstance(meta, dict):
        found = {name: meta[name] for name in ("billed_units", "tokens", "cached_tokens") if meta.get(name) is not None}
    if "tokens" not in found and isinstance(count, dict) and "prompt_tokens" in count:
        found["tokens"] = {"input_tokens": count["prompt_tokens"], "output_tokens": count.get("response_tokens")}
    return found


def stream(fields: dict[str, Any]) -> Stream:
    """Return the translation of one stream."""
    from proxy.dialects.cohere_v2.stream_on_chat import ChatOnChatStream  # not needed by buffered answers

    return ChatOnChatStream(fields)
