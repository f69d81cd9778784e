"""The errors of a client: one class for each thing that a caller may do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from endpointctl.failure import Failure


class Refused(Failure):
    """The front door, the proxy or the model answered with an error.

    Attributes:
        status: the HTTP status.
        code: the proxy's, e.g. ``invalid_field``; empty when AWS answered before it.
        id: the request's id in the log; empty likewise.
        retry_after: when to try again, in seconds; None when the answer does not say.
        body: the answer's body, parsed when it is JSON.

    """

    may_be_tried_again = False
    """Whether nothing was generated, and trying again may help."""

    def __init__(self, status: int, body: Any, retry_after: float | None = None) -> None:  # noqa: ANN401 - JSON
        said = body if isinstance(body, dict) else {}
        message = said.get("message") or said.get("Message") or str(body)[:200]
        self.status = status
        self.code = str(said.get("code", ""))
        self.id = str(said.get("id", ""))
        self.retry_after = retry_after
        self.body = body
        super().__init__(f"HTTP {status}{f' [{self.code}]' if self.code else ''}: {message}")


class WrongRequest(Refused):
    """The request is wrong, or the model refuses it: another request may succeed, this one never."""


class NotAllowed(Refused):
    """Not signed, not allowed, or the proxy itself may not use its endpoint: every request will fail."""


class Throttled(Refused):
    """Too many requests at once."""

    may_be_tried_again = True


class QuotaExceeded(Refused):
    """The client's quota is used up: every request will fail, until its period ends."""


class Unavailable(Refused):
    """Not ready, or not to be reached; nothing was generated."""

    may_be_tried_again = True


class EndpointAway(Refused):
    """There is no such endpoint, or it is not in service: every request will fail."""


class TimedOut(Refused):
    """It took too long, or the connection was lost: the model may have generated."""


_BY_CODE: Final[dict[str, type[Refused]]] = {
    "throttled": Throttled,
    "quota_exceeded": QuotaExceeded,
    "endpoint_unavailable": EndpointAway,
    "access_denied": NotAllowed,
}
_BY_STATUS: Final[dict[int, type[Refused]]] = {
    400: WrongRequest,
    401: NotAllowed,
    403: NotAllowed,
    404: WrongRequest,
    405: WrongRequest,
    413: WrongRequest,
    415: WrongRequest,
    429: Throttled,
    503: Unavailable,
    504: TimedOut,
}


def refusal(status: int, body: Any, headers: Mapping[str, str]) -> Refused:  # noqa: ANN401 - JSON
    """Return the error for an answer.

    Args:
        status: the HTTP status.
        body: parsed when it is JSON.
        headers: with any spelling of ``retry-after``.

    """
    code = body.get("code") if isinstance(body, dict) else None
    kind = _BY_CODE.get(str(code)) or _BY_STATUS.get(status, Refused)
    wanted = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    # The other form, a date, is nothing that this proxy, Lambda or API Gateway sends.
    return kind(status, body, float(wanted) if wanted.isdigit() else None)
