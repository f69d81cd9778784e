"""The chat request of Cohere's containers of 2024. The same model answers the last message, without the history.

Source: docs.cohere.com, API v1 ``chat``. The history is checked and returned, and does not change the text. Documents,
tools and structured answers are refused, so that they do not seem to work.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from local_aws.container import contract
from local_aws.container.contract import Refused, Request
from local_aws.container.generation import Generation

CONTEXT: Final = 128_000
"""The limit for message and answer together, in tokens: docs.cohere.com, the Command R family."""

_SHARED: Final = (
    *("max_tokens", "temperature", "k", "p", "seed"),
    *("stop_sequences", "frequency_penalty", "presence_penalty"),
)
_NOT_IMPLEMENTED: Final = ("documents", "tools", "tool_results", "search_queries_only", "response_format")
DEFAULTS: Final = {"max_tokens": 100, "temperature": 0.3}
"""A real container ends a text by itself; this model never does, so it has a default for ``max_tokens``."""


def parse(document: dict[str, Any]) -> tuple[Request, list[Any]]:
    """Read a chat request; return the equivalent generate request and the history.

    Raises:
        Refused: 400 for a value out of range or a field that is not implemented, 422 for a wrong type.

    """
    if not isinstance(document.get("message"), str) or not document["message"]:
        raise Refused(400, "invalid request: message must be at least 1 token long or tool results must be specified")
    for name in _NOT_IMPLEMENTED:
        if document.get(name):
            raise Refused(400, f"invalid request: the stand-in for the container has no {name}")
    history = document.get("chat_history") or []
    if not isinstance(history, list):
        raise Refused(422, "invalid request: chat_history must be a list")
    fields = {**DEFAULTS, **{name: document[name] for name in _SHARED if document.get(name) is not None}}
    if isinstance(fields["temperature"], (int, float)) and fields["temperature"] > 1:
        raise Refused(400, "invalid request: temperature must be between 0 and 1.0 inclusive")
    return contract.parse({**fields, "prompt": document["message"]}, CONTEXT), history


def answer(request: Request, history: list[Any], generation: Generation, input_tokens: int) -> dict[str, Any]:
    """Return Cohere's chat answer.

    Args:
        request: the request.
        history: the messages before it.
        generation: the generated text.
        input_tokens: how many tokens the message has.

    """
    counts = {"input_tokens": input_tokens, "output_tokens": len(generation.tokens)}
    turns = [{"role": "USER", "message": request.prompt}, {"role": "CHATBOT", "message": generation.text}]
    return {
        "response_id": str(uuid.uuid4()),
        "generation_id": str(uuid.uuid4()),
        "text": generation.text,
        "chat_history": [*history, *turns],
        "finish_reason": generation.finish_reason,
        "meta": {"api_version": {"version": "1"}, "billed_units": counts, "tokens": counts},
    }
