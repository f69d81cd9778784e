"""Every error that a caller can meet: one code, one status, one table. README.md explains each to callers."""

from __future__ import annotations

from typing import Final

STATUS: Final = {
    "malformed_request": 400,
    "invalid_json": 400,
    "invalid_field": 400,
    "model_refused": 400,
    "unknown_variant": 400,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_too_large": 413,
    "unsupported_media_type": 415,
    "throttled": 429,
    "internal_error": 500,
    "access_denied": 500,
    "model_failed": 502,
    "sagemaker_failed": 502,
    "partial_generations": 502,
    "bad_answer": 502,
    "answer_too_large": 502,
    "endpoint_unavailable": 502,
    "not_ready": 503,
    "unavailable": 503,
    "timed_out": 504,
    "connection_lost": 504,
}

RETRY_AFTER_SECONDS: Final = {"throttled": 1, "not_ready": 10, "unavailable": 5}
"""The codes that say that the model never ran, so that a retry repeats no generation, and when to retry."""


class ProxyError(Exception):
    """The request ends here, with a response for the caller.

    The message is ours: it never holds a value from the request, and of upstream texts only what
    ``upstream.errors.container_message`` lets pass.

    Attributes:
        code: a key of ``STATUS``.
        message: one sentence for the caller.
        status: the HTTP status.
        headers: further response headers.
        cause: the name of the error behind it, for the log: a class or an AWS error code, never a text.

    """

    def __init__(self, code: str, message: str, *, headers: dict[str, str] | None = None, cause: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = STATUS[code]
        retry_after = RETRY_AFTER_SECONDS.get(code)
        self.headers = {**(headers or {}), **({"retry-after": str(retry_after)} if retry_after else {})}
        self.cause = cause

    @property
    def before_the_model(self) -> bool:
        """Return whether the request was refused before a model ran."""
        return self.code in RETRY_AFTER_SECONDS
