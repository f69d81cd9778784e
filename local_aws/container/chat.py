"""The chat request of Cohere's containers of 2024, answered by the same model: the last message, without memory.

Source: docs.cohere.com, API v1 ``chat``. The history and the preamble are checked and given back, and do not change the
text; documents, tools and structured answers are refused, so that nothing looks as if it worked.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from local_aws.container import contract
from local_aws.container.contract import Refused, Request

CONTEXT: Final = 128_000
"""The most tokens of message and answer together: docs.cohere.com, the Command R family."""

_SHARED: Final = (
    *("max_tokens", "temperature", "k", "p", "seed"),
    *("stop_sequences", "frequency_penalty", "presence_penalty"),
)
_NOT_BUILT: Final = ("documents", "tools", "tool_results", "search_queries_only", "response_format")
DEFAULTS: Final = {"max_tokens": 100, "temperature": 0.3}
"""A real container writes until it has ended; this one would never end."""


def parse(document: dict[str, Any]) -> tuple[Request, list[Any]]:
    """Read a chat request as the generate request that it amounts to, and its history.

    Raises:
        Refused: 400 for what is out of range or not built, 422 for a wrong type.

    """
    if not isinstance(document.get("message"), str) or not document["message"]:
        raise Refused(400, "invalid request: message must be at least 1 token long or tool results must be specified")
    for name in _NOT_BUILT:
        if document.get(name):
            raise Refused(400, f"invalid request: the stand-in for the container has no {name}")
    history = document.get("chat_history") or []
    if not isinstance(history, list):
        raise Refused(422, "invalid request: chat_history must be a list")
    wanted = {**DEFAULTS, **{name: document[name] for name in _SHARED if document.get(name) is not None}}
    if isinstance(wanted["temperature"], (int, float)) and wanted["temperature"] > 1:
        raise Refused(400, "invalid request: temperature must be between 0 and 1.0 inclusive")
    return contract.parse({**wanted, "prompt": document["message"]}, CONTEXT), history


def answer(
    request: Request, history: list[Any], text: str, tokens: tuple[int, int], finish_reason: str
) -> dict[str, Any]:
    """Return Cohere's chat answer.

    Args:
        request: what was asked.
        history: the messages before it.
        text: what was generated.
        tokens: how many tokens went in and came out.
        finish_reason: why it ended.

    """
    taken, made = ({"input_tokens": tokens[0], "output_tokens": tokens[1]} for _ in range(2))
    turns = [{"role": "USER", "message": request.prompt}, {"role": "CHATBOT", "message": text}]
    return {
        "response_id": str(uuid.uuid4()),
        "generation_id": str(uuid.uuid4()),
        "text": text,
        "chat_history": [*history, *turns],
        "finish_reason": finish_reason,
        "meta": {"api_version": {"version": "1"}, "billed_units": taken, "tokens": made},
    }
