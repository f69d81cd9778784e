"""What the streams of chat v1 and generate have in common.

Source: cohere-python's ``StreamedChatResponse`` and ``GenerateStreamedResponse``.
"""

from __future__ import annotations

from typing import Any

from proxy.dialects.answer import bad_answer, check_reason
from proxy.errors import ProxyError


def kind_of(document: dict[str, Any]) -> str:
    """Return an event's type.

    Raises:
        ProxyError: ``bad_answer`` when it has none.

    """
    kind = document.get("event_type")
    if isinstance(kind, str):
        return kind
    raise bad_answer("an event of its stream has no event_type")


def text_of(document: dict[str, Any]) -> str:
    """Return the text of an event or of an answer.

    Raises:
        ProxyError: ``bad_answer`` when it has none.

    """
    text = document.get("text")
    if isinstance(text, str):
        return text
    raise bad_answer("it holds no text")


def response_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the whole answer, which the last event of a stream repeats.

    Raises:
        ProxyError: ``bad_answer`` when it has none, ``model_failed`` when the model says so.

    """
    check_reason(document.get("finish_reason"))
    response = document.get("response")
    if not isinstance(response, dict):
        raise bad_answer("the end of its stream has no response")
    check_reason(response.get("finish_reason"))
    return response


def sentence(error: ProxyError) -> str:
    """Return a failure in a stream as a text: there is no status any more that could tell its code."""
    return f"{error.code}: {error.message}"
