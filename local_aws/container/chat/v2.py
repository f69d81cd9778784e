"""Version 2 of the chat body: ``messages``. Only the last messages change the text.

Source: docs.cohere.com, API v2 ``chat``. No package of the catalogue is known to answer this body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from local_aws.container.chat import fields, schemas, v2_answer, v2_messages
from local_aws.container.chat.reply import reply
from local_aws.container.chat.request import ChatRequest, Source, Tool
from local_aws.container.contract import Refused, Request
from local_aws.container.generation import Generation

SAFETY_MODES: Final = ("CONTEXTUAL", "STRICT", "OFF")
TOOL_CHOICES: Final = ("REQUIRED", "NONE")
MOST_OUTPUT_TOKENS: Final = 4_000
"""A larger ``max_tokens`` counts as this: docs.cohere.com, the Command R family."""

_THINKING: Final = ("enabled", "disabled")
_GROUNDED: Final = ("documents", "tools")
_THINKING_TOKENS: Final = 1_000


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
    logprobs = fields.flag(document, "logprobs")
    request = _parse(document, logprobs=logprobs)
    found = reply(request, generate)
    answer = v2_answer.whole(request, found, logprobs=logprobs)
    return answer, lambda: v2_answer.events(found, answer, logprobs=logprobs)


def _parse(document: dict[str, Any], *, logprobs: bool) -> ChatRequest:
    messages = v2_messages.parse(document)
    documents, tools = _documents(document), _tools(document)
    tool_choice = fields.choice(document, "tool_choice", TOOL_CHOICES)
    if tool_choice and not tools:
        raise Refused(400, "invalid request: tools must be specified with tool_choice")
    fields.choice(document, "safety_mode", SAFETY_MODES)
    most = document.get("max_tokens")
    if isinstance(most, int) and most > MOST_OUTPUT_TOKENS:
        document = {**document, "max_tokens": MOST_OUTPUT_TOKENS}
    # With results of tools, the model answers from them.
    results = any(source.kind == "tool" for source in messages.sources)
    request = ChatRequest(
        question=messages.question,
        sampling=fields.sampling(document, messages.question, logprobs=logprobs),
        input_tokens=messages.tokens + fields.count(document.get("documents"), document.get("tools")),
        max_tokens=document.get("max_tokens"),
        sources=(*documents, *messages.sources),
        tools=tools,
        tool_choice=tool_choice or ("NONE" if results else None),
        schema=schemas.of_response_format(document, "json_schema", grounded=_GROUNDED),
        cites=fields.cites(fields.inner(document, "citation_options"), "mode", shown="citation_options.mode"),
        thinking_tokens=_thinking_tokens(document),
    )
    fields.check_context(request.input_tokens, request.sampling)
    return request


def _documents(document: dict[str, Any]) -> list[Source]:
    given = document.get("documents")
    if given is not None and not isinstance(given, list):
        raise Refused(422, "invalid request: documents must be a list")
    found = enumerate(given or [])
    return [v2_messages.document_source(one, number, f"documents[{number}]") for number, one in found]


def _tools(document: dict[str, Any]) -> tuple[Tool, ...]:
    strict = fields.flag(document, "strict_tools")
    found = []
    for number, tool in enumerate(fields.objects(document, "tools")):
        function = fields.inner(tool, "function")
        name, parameters = fields.text(function, "name"), fields.inner(function, "parameters")
        if tool.get("type") != "function" or not name:
            raise Refused(400, f"invalid request: tools[{number}] must have the type function and function.name")
        if strict and not parameters.get("required"):
            raise Refused(400, f"invalid request: tools[{number}] must have a required parameter with strict_tools")
        found.append(Tool(name, fields.text(function, "description"), parameters))
    return tuple(found)


def _thinking_tokens(document: dict[str, Any]) -> int:
    """Return how many tokens the model may think. This one thinks only when it is asked to."""
    thinking = fields.inner(document, "thinking")
    kind = fields.choice(thinking, "type", _THINKING, shown="thinking.type")
    if thinking and kind is None:
        raise Refused(400, "invalid request: thinking.type is missing")
    budget = thinking.get("token_budget")
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int) or budget < 1):
        raise Refused(400, "invalid request: thinking.token_budget must be an integer of 1 or more")
    return (budget or _THINKING_TOKENS) if kind == "enabled" else 0
