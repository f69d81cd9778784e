"""What a client's caller learns of a failed request: the status, and the code of the proxy's table of errors."""

from typing import Any

from tests.support.clients import Result

CLASSES = {
    ("cohere", 400): "BadRequestError",
    ("cohere", 401): "UnauthorizedError",
    ("cohere", 404): "NotFoundError",
    ("cohere", 413): "ApiError",
    ("cohere", 424): "ApiError",
    ("cohere", 429): "TooManyRequestsError",
    ("cohere", 503): "ServiceUnavailableError",
    ("openai", 400): "BadRequestError",
    ("openai", 401): "AuthenticationError",
    ("openai", 404): "NotFoundError",
    ("openai", 413): "APIStatusError",
    ("openai", 424): "APIStatusError",
    ("openai", 429): "RateLimitError",
    ("openai", 503): "InternalServerError",
}
"""The newest clients' exceptions, by the client's module and the status."""


def failed(result: Result) -> tuple[int | None, str]:
    """Return the status and the code of an exception, which has to be of the status's class."""
    failure = result.failure()
    module, status = failure["module"].partition(".")[0], failure["status_code"]
    assert failure["class"] == CLASSES.get((module, status)), failure
    return status, failure["body"]["code"]


def ended(result: Result) -> str:
    """Return the code with which a stream ends after it has begun; empty when it ends as it should."""
    if result.error:
        # OpenAI's clients raise the error that a stream holds.
        assert (result.error["class"], result.error["status_code"]) == ("APIError", None), result.error
        return str(result.error["body"]["code"])
    last: dict[str, Any] = result.events[-1]
    said = last.get("err") or (last.get("delta") or {}).get("error") or ""
    reason = last.get("finish_reason") or (last.get("delta") or {}).get("finish_reason")
    if said:
        assert reason in ("ERROR", "TIMEOUT"), last
    return str(said).partition(":")[0]
