"""The errors of a client: one class for each thing that a caller may do about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from endpointctl.failure import Failure

_MESSAGE_CHARACTERS: Final = 1000
_EXCERPT_CHARACTERS: Final = 200


class Refused(Failure):
    """The API, the proxy or the model returned an error.

    Attributes:
        status: the HTTP status.
        code: the proxy's, e.g. ``invalid_field``; empty when AWS responded in its place.
        id: the request's id in the log; empty likewise.
        retry_after: when to try again, in seconds; None when the response has no ``Retry-After``.
        body: the response's body, parsed when it is JSON.

    """

    may_be_tried_again = False
    """Whether nothing was generated, and trying again may help."""

    def __init__(self, status: int, body: Any, retry_after: float | None = None) -> None:  # noqa: ANN401 - JSON
        details = body if isinstance(body, dict) else {}
        message = details.get("message") or details.get("Message")
        self.status = status
        self.code = str(details.get("code") or "")
        self.id = str(details.get("id") or "")
        self.retry_after = retry_after
        self.body = body
        text = excerpt(message, _MESSAGE_CHARACTERS) if message else excerpt(body)
        super().__init__(f"HTTP {status}{f' [{self.code}]' if self.code else ''}: {text}")


class WrongRequest(Refused):
    """The request is wrong, or the model refuses it: another request may succeed, this one never."""


class NotAllowed(Refused):
    """Not signed, denied, or the proxy itself may not invoke its endpoint: every request will fail."""


class Throttled(Refused):
    """Too many requests at once."""

    may_be_tried_again = True


class QuotaExceeded(Refused):
    """The client's quota is used up: every request will fail, until its period ends."""


class Unavailable(Refused):
    """Not ready, or not to be reached; nothing was generated."""

    may_be_tried_again = True


class EndpointAway(Refused):
    """The endpoint does not exist, or is not in service: every request will fail."""


class Asleep(Refused):
    """The endpoint sleeps, or is waking, which takes minutes; nothing was generated."""


class MayHaveRun(Refused):
    """The model ran, or nobody knows whether it did: a repetition may generate a second time."""


class TimedOut(MayHaveRun):
    """It took too long, or the connection was lost."""


class SageMakerFailed(MayHaveRun):
    """SageMaker itself failed, before, while or after the model ran."""


class BadAnswer(MayHaveRun):
    """The response is not an answer of the API, although the model generated; what arrived is in ``body``."""

    def __init__(self, status: int, body: Any, retry_after: float | None = None) -> None:  # noqa: ANN401 - JSON
        super().__init__(status, body, retry_after)
        if status == 200:
            self.code = "bad_answer"
            self.reason = f"HTTP {status} [bad_answer]: the response has no generations: {excerpt(body)}"
            self.args = (self.reason,)


_BY_CODE: Final[dict[str, type[Refused]]] = {
    "throttled": Throttled,
    "quota_exceeded": QuotaExceeded,
    "not_ready": Unavailable,
    "unavailable": Unavailable,
    "endpoint_unavailable": EndpointAway,
    "asleep": Asleep,
    "access_denied": NotAllowed,
    "model_failed": Refused,
    "proxy_failed": MayHaveRun,
    "internal_error": Refused,
    "bad_answer": BadAnswer,
    "partial_generations": MayHaveRun,
    "answer_too_large": MayHaveRun,
    "sagemaker_failed": SageMakerFailed,
    "timed_out": TimedOut,
    "connection_lost": TimedOut,
    "api_gateway_error": MayHaveRun,
}
# A 502 or 503 without a code of ours comes from a server between: nobody knows whether the model ran.
_BY_STATUS: Final[dict[int, type[Refused]]] = {
    400: WrongRequest,
    401: NotAllowed,
    403: NotAllowed,
    404: WrongRequest,
    405: WrongRequest,
    413: WrongRequest,
    415: WrongRequest,
    424: MayHaveRun,
    429: Throttled,
    502: MayHaveRun,
    503: MayHaveRun,
    504: TimedOut,
}


def refusal(status: int, body: Any, headers: Mapping[str, str]) -> Refused:  # noqa: ANN401 - JSON
    """Return the error for a response: by its code first, then by its status.

    Args:
        status: the HTTP status.
        body: parsed when it is JSON.
        headers: with any spelling of ``retry-after``.

    """
    code = body.get("code") if isinstance(body, dict) else None
    kind = _BY_CODE.get(str(code)) or _BY_STATUS.get(status, Refused)
    seconds = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    # The other form, a date, is nothing that this proxy, Lambda or API Gateway sends.
    return kind(status, body, float(seconds) if seconds.isascii() and seconds.isdigit() else None)


def excerpt(body: Any, characters: int = _EXCERPT_CHARACTERS) -> str:  # noqa: ANN401 - JSON
    """Return the beginning of a body on one line: at most so many characters."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    line = " ".join(valid_unicode(text[: 2 * characters]).split())
    return line if len(line) <= characters else line[: characters - 1] + "…"


def valid_unicode(text: str) -> str:
    """Return a text without lone surrogates, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
