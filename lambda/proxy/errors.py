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
    "model_not_found": 404,
    "method_not_allowed": 405,
    "request_too_large": 413,
    "unsupported_media_type": 415,
    "access_denied": 424,
    "endpoint_unavailable": 424,
    "model_failed": 424,
    "sagemaker_failed": 424,
    "partial_generations": 424,
    "bad_answer": 424,
    "answer_too_large": 424,
    "timed_out": 424,
    "connection_lost": 424,
    "proxy_failed": 424,
    "throttled": 429,
    "internal_error": 500,
    "asleep": 503,
    "not_ready": 503,
    "unavailable": 503,
}
"""424, failed dependency, where the model may have run, or another attempt is useless: clients retry every status of
500 and more, 408, 409 and 429 by themselves, and none of them retries 424."""

_FAILED: Final = 424


def failed(status: int) -> bool:
    """Return whether a request failed here or behind the proxy, through no fault of its caller."""
    return status == _FAILED or status >= 500


RETRY_AFTER_SECONDS: Final = {"throttled": 1, "not_ready": 10, "unavailable": 5, "asleep": 900}
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
        field: the field of the request that is wrong; None when it is none.

    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        retry_after_seconds: int | None = None,
        cause: str = "",
        field: str | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = STATUS[code]
        self.headers = dict(headers or {})
        if code in RETRY_AFTER_SECONDS:
            self.headers["retry-after"] = str(retry_after_seconds or RETRY_AFTER_SECONDS[code])
        elif failed(self.status):
            # OpenAI's clients obey it, whatever the status is.
            self.headers["x-should-retry"] = "false"
        self.cause = cause
        self.field = field

    @property
    def before_the_model(self) -> bool:
        """Return whether the request was refused before a model ran."""
        return self.code in RETRY_AFTER_SECONDS
