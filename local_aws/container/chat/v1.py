"""Version 1 of the chat body: ``message`` and ``chat_history``.

The history is checked and returned, and does not change the text.

Source: docs.cohere.com, API v1 ``chat``. ``force_single_step`` only removes the plan from the text of an answer with
calls. The fields of Cohere's platform (``conversation_id``, ``connectors``, ``model``) are unknown ones here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from local_aws.container.chat import fields, schemas, v1_answer
from local_aws.container.chat.reply import reply
from local_aws.container.chat.request import ChatRequest, Source, Tool
from local_aws.container.contract import Refused, Request
from local_aws.container.generation import Generation

ROLES: Final = ("USER", "CHATBOT", "SYSTEM", "TOOL")
SAFETY_MODES: Final = ("CONTEXTUAL", "STRICT", "NONE")
TRUNCATIONS: Final = ("OFF", "AUTO", "AUTO_PRESERVE_ORDER")
_EXCLUDES: Final = "_excludes"
_GROUNDED: Final = ("documents", "tools", "tool_results")


@dataclass(frozen=True)
class _Body:
    """A checked body: the request, and the turns that the answer returns before its own."""

    chat: ChatRequest
    turns: list[dict[str, Any]]
    queries_only: bool
    single_step: bool


def respond(
    document: dict[str, Any], generate: Callable[[Request], Sequence[Generation]]
) -> tuple[dict[str, Any], Callable[[], list[dict[str, Any]]]]:
    """Return the answer, and a function for the events of its stream.

    Args:
        document: the request's body.
        generate: returns the generations of a request.

    Raises:
        Refused: 400 for a value out of range, 422 for a wrong type.

    """
    body = _parse(document)
    if body.queries_only:
        answer = v1_answer.queries(body.chat, body.turns)
        return answer, lambda: v1_answer.events_of_queries(answer)
    found = reply(body.chat, generate)
    answer = v1_answer.whole(body.chat, found, body.turns, planned=not body.single_step)
    return answer, lambda: v1_answer.events(found, answer)


def _parse(document: dict[str, Any]) -> _Body:
    results = _tool_results(document, "tool_results")
    message = document.get("message")
    if not isinstance(message, str) or not (message or results):
        raise Refused(400, "invalid request: message must be at least 1 token long or tool results must be specified")
    history = _history(document)
    documents, tools = fields.objects(document, "documents"), fields.objects(document, "tools")
    if results and not tools:
        raise Refused(400, "invalid request: tools must be specified with tool_results")
    fields.flag(document, "raw_prompting")
    fields.choice(document, "safety_mode", SAFETY_MODES)
    question = message or next((one["message"] for one in reversed(history) if one["role"] == "USER"), "")
    chat = ChatRequest(
        question=question,
        sampling=fields.sampling(document, question),
        input_tokens=fields.count(message, fields.text(document, "preamble"), history, documents, tools, results),
        max_tokens=document.get("max_tokens"),
        sources=(*_documents(documents), *_outputs(results)),
        tools=tuple(_tool(one) for one in tools),
        # With results, the model answers from them.
        tool_choice="NONE" if results else None,
        schema=schemas.of_response_format(document, "schema", grounded=_GROUNDED),
        cites=fields.cites(document, "citation_quality"),
    )
    if fields.choice(document, "prompt_truncation", TRUNCATIONS) in (None, "OFF"):
        fields.check_context(chat.input_tokens, chat.sampling)
    said = {"role": "USER", "message": message} if message else {"role": "TOOL", "tool_results": results}
    return _Body(
        chat,
        [*history, said],
        queries_only=fields.flag(document, "search_queries_only"),
        single_step=fields.flag(document, "force_single_step"),
    )


def _history(document: dict[str, Any]) -> list[dict[str, Any]]:
    if not isinstance(document.get("chat_history") or [], list):
        raise Refused(422, "invalid request: chat_history must be a list")
    history = fields.objects(document, "chat_history")
    for turn in history:
        if turn.get("role") not in ROLES:
            raise Refused(400, f"invalid request: each role in chat_history must be one of {', '.join(ROLES)}")
        if turn["role"] != "TOOL" and not isinstance(turn.get("message"), str):
            raise Refused(422, "invalid request: each message in chat_history must be a string")
        _tool_results(turn, "tool_results")
    return history


def _documents(documents: list[dict[str, Any]]) -> list[Source]:
    return [_document(one, number) for number, one in enumerate(documents)]


def _document(document: dict[str, Any], number: int) -> Source:
    excluded = document.get(_EXCLUDES)
    if excluded is not None and not isinstance(excluded, list):
        raise Refused(422, f"invalid request: {_EXCLUDES} must be a list of strings")
    content = {name: one for name, one in document.items() if name not in ("id", _EXCLUDES)}
    if not all(isinstance(one, str) for one in content.values()):
        raise Refused(422, "invalid request: each field of a document must be a string")
    shown = {name: one for name, one in content.items() if name not in (excluded or [])}
    return Source("document", str(document.get("id") or f"doc_{number}"), content, shown)


def _tool_results(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    results = fields.objects(document, name)
    for one in results:
        call = fields.inner(one, "call")
        if not isinstance(call.get("name"), str) or not isinstance(one.get("outputs"), list):
            raise Refused(422, f"invalid request: each of {name} must have call.name and a list of outputs")
        fields.objects(one, "outputs")
    return results


def _outputs(results: list[dict[str, Any]]) -> list[Source]:
    return [
        Source("tool", f"{result['call']['name']}:{number}:{index}", output, output)
        for number, result in enumerate(results)
        for index, output in enumerate(result["outputs"])
    ]


def _tool(tool: dict[str, Any]) -> Tool:
    name = fields.text(tool, "name")
    if not name.isidentifier():
        raise Refused(400, "invalid request: each tool must have a name of letters, digits and _")
    definitions = fields.inner(tool, "parameter_definitions")
    if not all(isinstance(one, dict) for one in definitions.values()):
        raise Refused(422, "invalid request: each of parameter_definitions must be an object")
    return Tool(name, fields.text(tool, "description"), schemas.of_python_types(definitions))
