"""The container's answer, looked at before it is passed on as it is."""

from __future__ import annotations

import json

from generate.errors import ProxyError

# Lambda refuses a buffered response above 6 MiB, counted with the JSON around it: quotes are escaped once more there.
# Source: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
MAX_BYTES = 6 * 1024 * 1024 - 64 * 1024


def check(content: bytes) -> tuple[str, int]:
    """Return the answer's text and how many generations it holds.

    Raises:
        ProxyError: ``bad_answer`` when it is no list of generated texts, ``answer_too_large``.

    """
    try:
        text = content.decode("utf-8")
        generations = json.loads(text)["generations"]
        texts = [generation["text"] for generation in generations]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ProxyError("bad_answer", "the model's answer is not Cohere's: it holds no generations") from None
    if not texts or not all(isinstance(one, str) for one in texts):
        raise ProxyError("bad_answer", "the model's answer is not Cohere's: it holds no generations")
    if len(json.dumps(text)) > MAX_BYTES:
        raise ProxyError("answer_too_large", "the answer is too large; ask for fewer tokens or no likelihoods")
    return text, len(texts)
