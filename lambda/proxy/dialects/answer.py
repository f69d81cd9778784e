"""What a route answers: a body of bounded size, and its usage."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from proxy.errors import ProxyError

MAX_BYTES: Final = 6 * 1024 * 1024 - 64 * 1024
"""The longest body of a buffered response, in bytes, counted as the JSON string that Lambda makes of it.

Source: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (6 MB with the JSON around it).
"""


@dataclass(frozen=True)
class Answer:
    """An answer to the caller.

    Attributes:
        body: its JSON.
        generations: how many generations it holds.
        tokens_in: the prompt's tokens; None when the container does not tell.
        tokens_out: the generated tokens; None when the container does not tell.

    """

    body: bytes
    generations: int
    tokens_in: int | None = None
    tokens_out: int | None = None


def bounded(text: str) -> bytes:
    """Return a body's bytes.

    Raises:
        ProxyError: ``answer_too_large``.

    """
    # A character is twelve bytes of JSON at most (a pair of surrogates): what is short need not be measured.
    if 12 * len(text) > MAX_BYTES and len(json.dumps(text)) > MAX_BYTES:
        raise ProxyError("answer_too_large", "the answer is too large; ask for fewer tokens or no likelihoods")
    # Half a surrogate pair has no bytes in UTF-8: it stays the escape that it was in the container's JSON.
    return text.encode("utf-8", "backslashreplace")


def billed_tokens(document: Any) -> tuple[int, int] | None:  # noqa: ANN401 - JSON
    """Return the tokens that went in and came out, as Cohere's ``meta.billed_units`` says; None when it does not."""
    try:
        billed = document["meta"]["billed_units"]
        return int(billed["input_tokens"]), int(billed["output_tokens"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
