"""Requests and responses as the core sees them, whichever way they arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        method: the HTTP method.
        path: the path without a stage's or a domain's own part.
        query: the parameters after the path; the first value of each.
        headers: the headers by their names in lower case.
        caller: who sent it, as the front door established it: the IAM principal's ARN or the API key's id; empty when
            it does not tell.
        received_at: when the front door received it, in seconds since the epoch; 0 when unknown.
        read_body: returns the body, given the most bytes that are allowed; raises ``ProxyError``
            (``malformed_request``, ``request_too_large``).
        key_owner: the beginning of the API key; empty without one. In a key of `endpointctl keys` it tells the client.
            In another it is a part of a secret: compare it, nothing else.

    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    caller: str
    received_at: float
    read_body: Callable[[int], bytes]
    key_owner: str = field(default="", repr=False)


@dataclass(frozen=True)
class Response:
    """A response.

    Attributes:
        status: the HTTP status.
        headers: the headers by their names in lower case.
        body: the body, in one piece or as it is produced.

    """

    status: int
    headers: dict[str, str]
    body: Iterator[bytes]
