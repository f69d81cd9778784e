"""What AWS's Lambda Web Adapter makes of an event, and of the answer of the function's web server.

Source: github.com/aws/aws-lambda-web-adapter 1.0.0, ``src/lib.rs``; github.com/aws/aws-lambda-rust-runtime,
``lambda-http`` and ``lambda-runtime``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from local_aws.server.front_doors.response_stream import Head

END_OF_PRELUDE: Final = b"\0" * 8
"""What stands between a streamed answer's prelude and its body."""

_OTHER_EVENTS: Final = "/events"
_HOP_BY_HOP: Final = frozenset({"transfer-encoding", "connection", "keep-alive"})
_DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True)
class HttpRequest:
    """A request for the function's web server.

    Attributes:
        method: the HTTP method.
        target: the path and the query.
        headers: the headers, in lower case.
        body: the body.

    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def request_of(event: Mapping[str, Any], lambda_context: Mapping[str, Any]) -> HttpRequest:
    """Return the request for an event of a Function URL, of a REST API, or of anything else.

    Args:
        event: the event.
        lambda_context: goes into a header, as does the event's own context. A caller's headers of the same names do not
            get through.

    """
    context = event.get("requestContext")
    if isinstance(context, dict) and "http" in context:
        method, path, query = context["http"]["method"], event["rawPath"], event.get("rawQueryString", "")
    elif isinstance(context, dict) and "httpMethod" in event:
        method, path = event["httpMethod"], event["path"]  # without the stage
        query = urlencode(event.get("multiValueQueryStringParameters") or {}, doseq=True)
    else:
        context, method, path, query = None, "POST", _OTHER_EVENTS, ""
        event = {"body": json.dumps(event), "headers": {"content-type": "application/json"}}
    body = event.get("body") or ""
    content = base64.b64decode(body) if event.get("isBase64Encoded") else str(body).encode()
    headers = {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    headers = {name: value for name, value in headers.items() if name not in _HOP_BY_HOP}
    headers["content-length"] = str(len(content))
    headers["x-amzn-request-context"] = json.dumps(context, ensure_ascii=False)
    headers["x-amzn-lambda-context"] = json.dumps(lambda_context)
    target = quote(str(path), safe="/%:@!$&'()*+,;=~") + (f"?{query}" if query else "")
    return HttpRequest(str(method), target, headers, content)


def head_of(status: int, headers: Iterable[tuple[str, str]]) -> Head:
    """Return the head of a response as a front door sends it."""
    found: dict[str, str | list[str]] = {}
    for name, value in headers:
        key = name.lower()
        if key in _HOP_BY_HOP:
            continue
        if key == "set-cookie":
            found[key] = [*found.get(key, []), value]
        else:
            found[key] = value
    return Head(status, {"content-type": _DEFAULT_CONTENT_TYPE, **found})


def streamed_answer(head: Head, body: bytes) -> bytes:
    """Return what a buffered invocation gets of an adapter that streams: the prelude, and the body behind it."""
    prelude = {
        "statusCode": head.status,
        "headers": {name: value for name, value in head.headers.items() if isinstance(value, str)},
        "cookies": head.headers.get("set-cookie", []),
    }
    return json.dumps(prelude).encode() + END_OF_PRELUDE + body


def buffered_answer(head: Head, body: bytes) -> dict[str, Any]:
    """Return what an adapter that does not stream answers."""
    try:
        text, is_base64 = body.decode(), False
    except UnicodeDecodeError:
        text, is_base64 = base64.b64encode(body).decode(), True
    headers = {name: value for name, value in head.headers.items() if isinstance(value, str)}
    return {"statusCode": head.status, "headers": headers, "body": text, "isBase64Encoded": is_base64}


def trailer(message: str) -> bytes:
    """Return what the adapter's runtime writes when the web server breaks off: trailers, but into the body."""
    body = base64.b64encode(message.encode()).decode()
    return (
        f"Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\nLambda-Runtime-Function-Error-Body: {body}\r\n"
    ).encode()
