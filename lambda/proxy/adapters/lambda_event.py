"""Requests and responses of a buffered Lambda function, behind a Function URL or a REST API.

Sources: docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (Function URL, payload format 2.0);
docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (REST API).
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final
from urllib.parse import parse_qsl

from proxy.errors import ProxyError
from proxy.http import Request, Response

KEY_BEGINNING: Final = 16
"""How many characters of an API key tell whose it is."""


def request_of(event: Any) -> Request:  # noqa: ANN401 - whatever Lambda passes
    """Return the request in an event of a Function URL or of a REST API.

    Raises:
        ProxyError: ``malformed_request`` when it is neither.

    """
    try:
        context = event["requestContext"]
        if "http" in context:
            method, path, received = context["http"]["method"], event["rawPath"], context.get("timeEpoch")
            caller, key = _member(context, "authorizer", "iam", "userArn"), ""
            query = dict(reversed(parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True)))
        else:
            method, path, received = event["httpMethod"], _path_of(event), context.get("requestTimeEpoch")
            key = str(_member(context, "identity", "apiKey") or "")
            # The key's id, never the key itself.
            caller = _member(context, "identity", "apiKeyId") or _member(context, "identity", "userArn")
            query = {str(name): str(value) for name, value in (event.get("queryStringParameters") or {}).items()}
        headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
        milliseconds = received if isinstance(received, (int, float)) else 0
    except (KeyError, TypeError, AttributeError):
        raise ProxyError("malformed_request", "this function answers HTTP requests of its front door only") from None
    body, is_base64 = event.get("body"), bool(event.get("isBase64Encoded"))
    return Request(
        method=str(method),
        path=str(path),
        query=query,
        headers=headers,
        caller=str(caller or ""),
        received_at=milliseconds / 1000,
        read_body=lambda max_bytes: _decoded(body, is_base64, max_bytes),
        key_owner=key[:KEY_BEGINNING],
    )


def response_of(response: Response) -> dict[str, Any]:
    """Return a response in the form that both front doors take."""
    body = b"".join(response.body).decode("utf-8")
    return {"statusCode": response.status, "headers": response.headers, "body": body}


def _path_of(event: Any) -> str:  # noqa: ANN401 - JSON
    """Return a REST API's path: not "path", which behind a custom domain begins with the domain's base path."""
    resource = str(event["resource"])
    return "/" + str(event["pathParameters"]["proxy"]) if resource.endswith("{proxy+}") else resource


def _member(value: Any, *names: str) -> Any:  # noqa: ANN401 - JSON
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _decoded(body: Any, is_base64: bool, max_bytes: int) -> bytes:  # noqa: ANN401 - whatever Lambda passes
    if not isinstance(body, str) or not body:
        raise ProxyError("malformed_request", "the request has no body; send a JSON object")
    too_large = ProxyError("request_too_large", f"the body is too large; send at most {max_bytes} bytes")
    # Before decoding: four characters of base64 hold three bytes, and no character is shorter than a byte.
    if len(body) * 3 // 4 - 2 > max_bytes:
        raise too_large
    try:
        decoded = base64.b64decode(body, validate=True) if is_base64 else body.encode()
    except (binascii.Error, ValueError):
        raise ProxyError("malformed_request", "the body is not valid base64 or UTF-8") from None
    if len(decoded) > max_bytes:
        raise too_large
    return decoded
