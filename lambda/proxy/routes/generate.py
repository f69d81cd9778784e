"""The container's answer, looked at before it is passed on as it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from proxy.errors import ProxyError

# Lambda refuses a buffered response above 6 MiB, counted with the JSON around it: quotes are escaped once more there.
# Source: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
MAX_BYTES = 6 * 1024 * 1024 - 64 * 1024


@dataclass(frozen=True)
class Answer:
    """An answer that may be passed on.

    Attributes:
        text: its JSON.
        generations: how many generations it holds.
        tokens_in: the prompt's tokens; None when the answer does not tell.
        tokens_out: the generations' tokens; None when it does not tell.

    """

    text: str
    generations: int
    tokens_in: int | None
    tokens_out: int | None


def check(content: bytes) -> Answer:
    """Return what a container answered, when it is what a caller expects.

    Raises:
        ProxyError: ``bad_answer`` when it is no list of generated texts, ``answer_too_large``.

    """
    try:
        text = content.decode("utf-8")
        document = json.loads(text)
        generations = document["generations"]
        texts = [generation["text"] for generation in generations]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ProxyError("bad_answer", "the model's answer is not Cohere's: it holds no generations") from None
    if not texts or not all(isinstance(one, str) for one in texts):
        raise ProxyError("bad_answer", "the model's answer is not Cohere's: it holds no generations")
    # A character is twelve bytes of JSON at most (a pair of surrogates): what is short need not be measured.
    if 12 * len(text) > MAX_BYTES and len(json.dumps(text)) > MAX_BYTES:
        raise ProxyError("answer_too_large", "the answer is too large; ask for fewer tokens or no likelihoods")
    return Answer(text, len(texts), *_tokens(document))


def _tokens(document: dict[str, Any]) -> tuple[int | None, int | None]:
    """Return the tokens that went in and came out, where the answer says so: as Cohere bills, or by likelihoods."""
    try:
        billed = document["meta"]["billed_units"]
        return int(billed["input_tokens"]), int(billed["output_tokens"])
    except (KeyError, TypeError, ValueError):
        pass
    try:
        return None, sum(len(generation["token_likelihoods"]) for generation in document["generations"])
    except (KeyError, TypeError):
        return None, None
