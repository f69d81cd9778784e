"""Errors in the shape of each dialect.

Sources: docs.cohere.com, "Errors"; platform.openai.com/docs/guides/error-codes, and openai-python's ``_exceptions.py``.
"""

from __future__ import annotations

from typing import Any, Final

from proxy.errors import ProxyError

_OPENAI_TYPES: Final = {429: "rate_limit_error", 500: "server_error", 503: "server_error", 424: "server_error"}


def document_of(error: ProxyError, dialect: str, request_id: str) -> dict[str, Any]:
    """Return the body of an error's response.

    Args:
        error: the error.
        dialect: ``cohere`` or ``openai``.
        request_id: the id in the log.

    """
    if dialect == "openai":
        kind = _OPENAI_TYPES.get(error.status, "invalid_request_error")
        # The message names the field; OpenAI's own clients show it, and the request's id is a header.
        return {"error": {"message": error.message, "type": kind, "code": error.code, "param": error.field}}
    return {"message": error.message, "id": request_id, "code": error.code}
