"""The end of a stream of chat v2, and what an answer says about tokens.

Source: docs.cohere.com, API v2 ``chat``; cohere-python's ``ChatMessageEndEventDelta``.
"""

from __future__ import annotations

from typing import Any

from proxy.errors import ProxyError


def failure(error: ProxyError, stream_id: str, usage: dict[str, Any]) -> dict[str, Any]:
    """Return the event that ends a stream that failed.

    Args:
        error: why.
        stream_id: the id of the stream's first event; before it, the request's.
        usage: the tokens, as far as the container told them; the others count as 0, since LangChain reads them all.

    """
    reason = "TIMEOUT" if error.code == "timed_out" else "ERROR"
    tokens = {name: {"input_tokens": 0, "output_tokens": 0} for name in ("billed_units", "tokens")}
    delta = {"finish_reason": reason, "error": f"{error.code}: {error.message}", "usage": {**tokens, **usage}}
    return {"type": "message-end", "id": stream_id, "delta": delta}


def tokens_of(usage: Any) -> tuple[int | None, int | None]:  # noqa: ANN401 - JSON
    """Return the tokens that went in and came out: as Cohere bills, else as the model counts; None when unknown."""
    if isinstance(usage, dict):
        for name in ("billed_units", "tokens"):
            try:
                return int(usage[name]["input_tokens"]), int(usage[name]["output_tokens"])
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
    return None, None
