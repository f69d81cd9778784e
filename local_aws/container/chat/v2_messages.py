"""The messages of version 2 of the chat body.

Source: docs.cohere.com, API v2 ``chat``. Cohere's containers have no network: an image by a web address is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from local_aws.container.chat import fields
from local_aws.container.chat.request import Source
from local_aws.container.contract import Refused

ROLES: Final = ("system", "developer", "user", "assistant", "tool")
_PARTS: Final = {
    "system": ("text",),
    "developer": ("text",),
    "user": ("text", "image_url", "document"),
    "assistant": ("text", "thinking"),
    "tool": ("text", "document"),
}
_DETAILS: Final = ("auto", "low", "high")


@dataclass(frozen=True)
class Messages:
    """Checked messages.

    Attributes:
        question: the text of the user's last message.
        sources: its documents, or the results of the tools when the last messages have them.
        tokens: the tokens of all messages.

    """

    question: str
    sources: tuple[Source, ...]
    tokens: int


def parse(document: dict[str, Any]) -> Messages:
    """Read the messages.

    Raises:
        Refused: 400 for an order or a value that is not possible, 422 for a wrong type.

    """
    messages = fields.objects(document, "messages")
    if not messages:
        raise Refused(400, "invalid request: messages must have at least one message")
    known, question = set[str](), ""
    sources: list[Source] = []
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        role = fields.choice(message, "role", ROLES, shown=f"{place}.role")
        if role is None:
            raise Refused(400, f"invalid request: {place}.role is missing")
        parts = _parts(message, role, place)
        if role == "tool":
            sources += _results(message, parts, known, place)
        else:
            sources = _documents(parts, place) if role == "user" else []
        if role == "user":
            question = _text(parts)
        if role == "assistant":
            known |= _calls(message, place)
    if messages[-1]["role"] not in ("user", "tool"):
        raise Refused(400, "invalid request: the last message must have the role user or tool")
    return Messages(question, tuple(sources), sum(fields.count(message.get("content")) for message in messages))


def document_source(document: Any, number: int, place: str) -> Source:  # noqa: ANN401 - JSON
    """Return a document, which is a text or an object with ``data``.

    Args:
        document: the document.
        number: its number, for an id when it has none.
        place: where it is, for an error.

    Raises:
        Refused: 422 for another type.

    """
    if isinstance(document, str):
        document = {"data": {"content": document}}
    data = document.get("data") if isinstance(document, dict) else None
    if isinstance(data, str):
        data = {"content": data}
    if not isinstance(data, dict):
        raise Refused(422, f"invalid request: {place} must be a string, or an object with data")
    found = str(document.get("id") or f"doc:{number}")
    return Source("document", found, {"id": found, **data}, data)


def _parts(message: dict[str, Any], role: str, place: str) -> list[dict[str, Any]]:
    """Return the parts of a message; a text is one part."""
    content = message.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if content is None and role == "assistant":
        return []
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise Refused(422, f"invalid request: {place}.content must be a string or a list of objects")
    if role == "user" and not any(part.get("text") or part.get("type") != "text" for part in content):
        raise Refused(400, f"invalid request: {place}.content must be at least 1 token long")
    for part in content:
        kind = fields.choice(part, "type", _PARTS[role], shown=f"type in {place}.content")
        if kind == "image_url":
            _check_image(fields.inner(part, "image_url"), place)
        elif kind != "document" and not isinstance(part.get(kind or "text"), str):
            raise Refused(422, f"invalid request: {kind or 'text'} in {place}.content must be a string")
    return content


def _check_image(image: dict[str, Any], place: str) -> None:
    fields.choice(image, "detail", _DETAILS, shown=f"image_url.detail in {place}.content")
    if not fields.text(image, "url").startswith("data:image/"):
        raise Refused(400, f"invalid request: image_url.url in {place}.content must be the data URI of an image")


def _text(parts: list[dict[str, Any]]) -> str:
    return " ".join(str(part["text"]) for part in parts if "text" in part)


def _documents(parts: list[dict[str, Any]], place: str) -> list[Source]:
    found = [part.get("document") for part in parts if part.get("type") == "document"]
    return [document_source(one, number, f"document in {place}.content") for number, one in enumerate(found)]


def _results(message: dict[str, Any], parts: list[dict[str, Any]], known: set[str], place: str) -> list[Source]:
    """Return what a tool returned: a part each."""
    call = fields.text(message, "tool_call_id")
    if call not in known:
        raise Refused(400, f"invalid request: {place}.tool_call_id must be the id of a tool call before it")
    found = []
    for number, part in enumerate(parts):
        output = _output(str(part["text"])) if "text" in part else dict(_documents([part], place)[0].shown)
        found.append(Source("tool", f"{call}:{number}", output, output))
    return found


def _output(text: str) -> dict[str, Any]:
    """Return a tool's result as an object: tools return JSON, and also plain text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"content": text}


def _calls(message: dict[str, Any], place: str) -> set[str]:
    """Return the ids of an assistant's tool calls."""
    fields.text(message, "tool_plan")
    calls = fields.objects(message, "tool_calls")
    if not calls and not message.get("content"):
        raise Refused(400, f"invalid request: {place} must have content or tool_calls")
    for call in calls:
        function = fields.inner(call, "function")
        if not all(isinstance(one, str) for one in (call.get("id"), function.get("name"), function.get("arguments"))):
            raise Refused(
                422, f"invalid request: tool_calls of {place} must have an id, function.name and function.arguments"
            )
    return {str(call["id"]) for call in calls}
