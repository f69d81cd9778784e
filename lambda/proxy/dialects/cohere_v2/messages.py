"""The messages of chat v2 as chat v1 has them: a message, what was before it, and results of tools.

Sources: docs.cohere.com, "Migrating from API v1 to API v2", and API v1 ``chat``.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from proxy.routes.request import invalid

V1 = "the model answers chat v1"


def conversation(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return chat v1's ``message``, and as needed ``preamble``, ``chat_history`` and ``tool_results``.

    A system message at the beginning is the preamble, one further down part of the history. Results of tools that
    nothing follows answer the calls before them, with an empty message.

    Raises:
        ProxyError: ``invalid_field`` for what chat v1 cannot say.

    """
    body: dict[str, Any] = {}
    turns: list[dict[str, Any]] = []
    calls: dict[str, dict[str, Any]] = {}
    for number, message in enumerate(messages):
        role, place = message["role"], f"messages[{number}]"
        if role == "user":
            turns.append({"role": "USER", "message": _text(message["content"], place)})
        elif role == "assistant":
            turns.append(_answer(message, place, calls))
        elif role == "tool":
            returned = [output for output, _ in outputs(message["content"])]
            result = {"call": _call_of(message, place, calls), "outputs": returned}
            if turns and turns[-1]["role"] == "TOOL":
                turns[-1]["tool_results"].append(result)
            else:
                turns.append({"role": "TOOL", "tool_results": [result]})
        elif number:
            turns.append({"role": "SYSTEM", "message": _text(message["content"], place)})
        else:
            body["preamble"] = _text(message["content"], place)
    last = turns.pop() if turns else {"role": ""}
    if last["role"] not in ("USER", "TOOL"):
        raise invalid("messages", f"must end with a message of the role user or tool: {V1}")
    body["message"] = last.get("message", "")
    if turns:
        body["chat_history"] = turns
    if last["role"] == "TOOL":
        body["tool_results"] = last["tool_results"]
    return body


def outputs(content: str | list[dict[str, Any]]) -> list[tuple[dict[str, Any], str | None]]:
    """Return a tool's outputs as objects, as chat v1 has them, each with its own id or None.

    A text that is a JSON object is that object, and any other text the member ``content`` of one, as Cohere's own
    chat v2 has it. A content that is a JSON list of objects is several outputs.
    """
    if isinstance(content, str):
        several = _json(content) if content.lstrip().startswith("[") else None
        if isinstance(several, list) and several and all(isinstance(one, dict) for one in several):
            return [(one, None) for one in several]
        return [(_output(content), None)]
    found: list[tuple[dict[str, Any], str | None]] = []
    for part in content:
        if part["type"] == "text":
            found.append((_output(part["text"]), None))
        else:
            document = part["document"]
            data = document["data"]
            found.append((data if isinstance(data, dict) else _output(data), document.get("id")))
    return found


def _output(text: str) -> dict[str, Any]:
    found = _json(text) if text.lstrip().startswith("{") else None
    return found if isinstance(found, dict) else {"content": text}


def _json(text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(_name: str) -> NoReturn:
    raise ValueError


def _text(content: str | list[dict[str, Any]], place: str) -> str:
    """Return a content's text; its parts are lines."""
    if isinstance(content, str):
        return content
    for number, part in enumerate(content):
        if part["type"] != "text":
            raise invalid(f"{place}.content[{number}]", f"must be a text: {V1}, which takes no images and no thoughts")
    return "\n".join(part["text"] for part in content)


def _answer(message: dict[str, Any], place: str, calls: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the turn of an assistant's message, and add its calls by their ids."""
    texts = (message.get("tool_plan", ""), _text(message.get("content", ""), place))
    turn: dict[str, Any] = {"role": "CHATBOT", "message": "\n".join(filter(None, texts))}
    for number, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        arguments = _json(function.get("arguments") or "{}")
        if not isinstance(arguments, dict):
            raise invalid(f"{place}.tool_calls[{number}].function.arguments", "must be a JSON object, as a text")
        calls[call["id"]] = {"name": function["name"], "parameters": arguments}
        turn.setdefault("tool_calls", []).append(calls[call["id"]])
    return turn


def _call_of(message: dict[str, Any], place: str, calls: dict[str, dict[str, Any]]) -> dict[str, Any]:
    call = calls.get(message["tool_call_id"])
    if call is None:
        raise invalid(f"{place}.tool_call_id", "must be the id of a tool call in a message before it")
    return call
