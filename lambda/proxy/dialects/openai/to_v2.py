"""A chat completion request as Cohere's chat request of API v2.

Fields that change nothing in an answer (``user``, ``metadata``, hints to caches) are accepted and not sent on; the
schema says so of each. What Cohere cannot do is refused by name.
Sources: platform.openai.com/docs/api-reference/chat; openai-python's types; docs.cohere.com, API v2 ``chat`` and "Using
Cohere models via the OpenAI SDK".
"""

from __future__ import annotations

from typing import Any, Final

from proxy.routes.request import invalid

_SAME: Final = (
    *("stream", "max_tokens", "temperature", "seed", "logprobs"),
    *("frequency_penalty", "presence_penalty"),
)
_LEAST_P, _MOST_P = 0.01, 0.99
_CHOICES: Final = {"none": "NONE", "required": "REQUIRED"}


def to_v2(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of chat v2.

    Raises:
        ProxyError: ``invalid_field`` for what chat v2 cannot do, and for fields that contradict each other.

    """
    found: dict[str, Any] = {"messages": [_message(one, at) for at, one in enumerate(fields["messages"])]}
    found.update({name: fields[name] for name in _SAME if name in fields})
    most = fields.get("max_completion_tokens")
    if most and found.setdefault("max_tokens", most) != most:
        raise invalid("max_tokens", "must be that of max_completion_tokens, or left out")
    if "stream_options" in fields and not fields.get("stream"):
        raise invalid("stream_options", "must be left out: the answer is no stream")
    if "top_p" in fields:
        # 1, which many clients send, means all tokens: the most that Cohere takes is 0.99.
        found["p"] = min(max(fields["top_p"], _LEAST_P), _MOST_P)
    if "stop" in fields:
        stop = fields["stop"]
        found["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if "reasoning_effort" in fields:
        found["thinking"] = {"type": "disabled" if fields["reasoning_effort"] == "none" else "enabled"}
    if "response_format" in fields:
        found["response_format"] = _response_format(fields["response_format"])
    if fields.get("tools") or "tool_choice" in fields:
        found.update(_tools(fields))
    return found


def _message(message: dict[str, Any], at: int) -> dict[str, Any]:
    role = message["role"]
    if role == "assistant":
        return _assistant(message, at)
    if role == "tool":
        return {"role": "tool", "tool_call_id": message["tool_call_id"], "content": message["content"]}
    return {"role": "system" if role == "developer" else role, "content": message["content"]}


def _assistant(message: dict[str, Any], at: int) -> dict[str, Any]:
    """Return the model's earlier message; its text is the plan when it calls tools."""
    content = message.get("content", ())
    texts = [content] if isinstance(content, str) else [one.get("text") or one.get("refusal", "") for one in content]
    if "refusal" in message:
        texts.append(message["refusal"])
    thoughts = message.get("reasoning_content")
    parts = [{"type": "thinking", "thinking": thoughts}] if thoughts else []
    found: dict[str, Any] = {"role": "assistant"}
    if message.get("tool_calls"):
        found["tool_calls"] = message["tool_calls"]
        if any(texts):
            found["tool_plan"] = "\n".join(texts)
    elif not texts:
        raise invalid(f"messages[{at}].content", "is missing, and so are tool_calls")
    elif not parts and len(texts) == 1:
        return {**found, "content": texts[0]}
    else:
        parts += [{"type": "text", "text": text} for text in texts]
    return {**found, "content": parts} if parts else found


def _response_format(given: dict[str, Any]) -> dict[str, Any]:
    if given["type"] != "json_schema":
        if "json_schema" in given or ("schema" in given and given["type"] == "text"):
            raise invalid("response_format", f"must have no schema with the type {given['type']}")
        return {"type": given["type"], **({"json_schema": given["schema"]} if "schema" in given else {})}
    if "json_schema" not in given or "schema" in given:
        raise invalid("response_format.json_schema", "is missing, or schema is beside it")
    named = given["json_schema"]
    schema = named.get("schema", {"type": "object"})
    if "description" in named:
        schema = {"description": named["description"], **schema}
    return {"type": "json_object", "json_schema": schema}


def _tools(fields: dict[str, Any]) -> dict[str, Any]:
    tools, choice = fields.get("tools", []), fields.get("tool_choice", "auto")
    if isinstance(choice, dict):
        tools, choice = _chosen(tools, choice)
    if not tools:
        if choice == "required":
            raise invalid("tool_choice", "must be none, auto or left out: there are no tools")
        return {}
    found: dict[str, Any] = {"tools": [_tool(one["function"]) for one in tools]}
    strict = {one["function"].get("strict", False) for one in tools}
    if len(strict) > 1:
        raise invalid("tools", "must all be strict, or none: Cohere holds to all schemas or to none")
    if strict == {True}:
        found["strict_tools"] = True
    if choice in _CHOICES:
        found["tool_choice"] = _CHOICES[choice]
    return found


def _chosen(tools: list[dict[str, Any]], choice: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Return the tools that may be called, and whether one must be: Cohere has no choice by name."""
    kind = choice["type"]
    if kind not in choice or len(choice) > 2:  # its type and one more
        raise invalid("tool_choice", f"must have the members type and {kind}")
    if kind == "function":
        names, mode = [choice["function"]["name"]], "required"
    else:
        allowed = choice["allowed_tools"]
        names, mode = [one["function"]["name"] for one in allowed["tools"]], allowed["mode"]
    known = {one["function"]["name"] for one in tools}
    if not set(names) <= known:
        raise invalid("tool_choice", "must name functions of tools")
    return [one for one in tools if one["function"]["name"] in names], mode


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    parameters = function.get("parameters", {"type": "object", "properties": {}})
    found = {name: function[name] for name in ("name", "description") if name in function}
    return {"type": "function", "function": {**found, "parameters": parameters}}
