"""Requests of AWS's Lambda Web Adapter: HTTP, with the event's context and Lambda's context in two headers.

The adapter overwrites both headers, so that a caller cannot forge them. The first one holds the API key of a REST API's
caller: it is never passed on and never logged.

Source: github.com/aws/aws-lambda-web-adapter, 1.0.0, ``src/lib.rs``.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from proxy.adapters import lambda_event
from proxy.http import Request

REQUEST_CONTEXT: Final = "x-amzn-request-context"
LAMBDA_CONTEXT: Final = "x-amzn-lambda-context"


@dataclass(frozen=True)
class Invocation:
    """The invocation of the function that brought a request.

    Attributes:
        request_id: Lambda's id of it; empty when the request did not come from the adapter.
        deadline: when Lambda ends it, in seconds since the epoch.

    """

    request_id: str
    deadline: float

    def remaining_seconds(self) -> float:
        """Return how long the function may still run, in seconds; 0 or less when it may not."""
        return self.deadline - time.time()


def invocation_of(lambda_context: str) -> Invocation:
    """Return the invocation that the adapter's header describes.

    Args:
        lambda_context: the header's value; empty when there is none.

    """
    context = _json(lambda_context)
    try:
        return Invocation(str(context["request_id"]), float(context["deadline"]) / 1000)
    except (KeyError, TypeError, ValueError):
        return Invocation("", 0.0)


def request_of(
    method: str, target: str, headers: Iterable[tuple[str, str]], read_body: Callable[[int], bytes]
) -> Request:
    """Return a request as the core sees it.

    Args:
        method: the HTTP method.
        target: the path and query of the request line.
        headers: the headers, the adapter's included.
        read_body: returns the body, given the most bytes that are allowed.

    Raises:
        ProxyError: ``malformed_request`` when it did not come through a front door.

    """
    named = {name.lower(): value for name, value in headers}
    context = _json(named.pop(REQUEST_CONTEXT, ""))
    named.pop(LAMBDA_CONTEXT, None)
    path, _, query = target.partition("?")
    path = unquote(path)
    # Behind a custom domain the path begins with the domain's base path, and the resource does not. A resource with a
    # parameter is no path.
    resource = context.get("resourcePath") if isinstance(context, dict) else None
    is_path = isinstance(resource, str) and "{" not in resource
    event = {
        "requestContext": context,
        "httpMethod": method,
        "rawPath": path,
        "rawQueryString": query,
        "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)),
        "path": path,
        "resource": resource if is_path else path,
        "pathParameters": {"proxy": path.lstrip("/")},
        "headers": named,
    }
    return dataclasses.replace(lambda_event.request_of(event), read_body=read_body)


def _json(value: str) -> Any:  # noqa: ANN401 - JSON
    """Return a header's JSON; None when it is none. A server reads headers as Latin-1, and the adapter writes UTF-8."""
    try:
        return json.loads(value.encode("latin-1").decode())
    except ValueError:  # those of the encodings included
        return None
