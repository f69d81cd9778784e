"""The Function URL's event, as an HTTP request to one of two routes.

Source: docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (payload format 2.0).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from generate.errors import ProxyError

METHOD = "POST"
PATH = "/v1/generate"
HEALTH_PATH = "/healthz"
VARIANT_HEADER = "x-target-variant"
# botocore's model of sagemaker-runtime: TargetVariantHeader.
_VARIANT = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def is_health_check(event: Any) -> bool:  # noqa: ANN401 - whatever Lambda hands over
    """Return whether a request asks for the proxy's own health: ``GET /healthz``."""
    method, path, _ = _request_line(event)
    return path == HEALTH_PATH and method == "GET"


def body_of(event: Any, max_bytes: int) -> bytes:  # noqa: ANN401 - whatever Lambda hands over
    """Return the body of a request for the route.

    Args:
        event: the event.
        max_bytes: the longest body that is taken, in bytes.

    Raises:
        ProxyError: ``malformed_request``, ``not_found``, ``method_not_allowed``, ``unsupported_media_type`` or
            ``request_too_large``.

    """
    method, path, headers = _request_line(event)
    if path == HEALTH_PATH:
        raise ProxyError("method_not_allowed", f"use GET {HEALTH_PATH}", headers={"allow": "GET"})
    if path != PATH:
        raise ProxyError("not_found", f"there is nothing here; send {METHOD} {PATH}")
    if method != METHOD:
        raise ProxyError("method_not_allowed", f"use {METHOD} {PATH}", headers={"allow": METHOD})
    if not _is_json(headers.get("content-type", "")):
        raise ProxyError("unsupported_media_type", "set the header content-type to application/json")
    return _decoded(event, max_bytes)


def target_variant_of(event: dict[str, Any]) -> str | None:
    """Return the variant that a request asks for by a header; None leaves it to the variants' weights.

    Args:
        event: an event that ``body_of`` took.

    Raises:
        ProxyError: ``unknown_variant`` when no variant can have such a name.

    """
    _, _, headers = _request_line(event)
    name = headers.get(VARIANT_HEADER)
    if name is None or _VARIANT.fullmatch(name):
        return name
    raise ProxyError("unknown_variant", f"{VARIANT_HEADER}: must be the name of a variant, or left out")


def _request_line(event: Any) -> tuple[str, str, dict[str, str]]:  # noqa: ANN401
    try:
        http = event["requestContext"]["http"]
        method, path, headers = http["method"], event["rawPath"], event.get("headers") or {}
        named = {str(name).lower(): str(value) for name, value in headers.items()}
    except (KeyError, TypeError, AttributeError):
        raise ProxyError("malformed_request", "this function answers Function URL requests only") from None
    return str(method), str(path), named


def _is_json(content_type: str) -> bool:
    kind, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    return kind.strip().lower() == "application/json" and charset in ("", "utf-8", "utf8")


def _decoded(event: dict[str, Any], max_bytes: int) -> bytes:
    body = event.get("body")
    if not isinstance(body, str) or not body:
        raise ProxyError("malformed_request", "the request has no body; send a JSON object with a prompt")
    too_large = ProxyError("request_too_large", f"the body is too large; send at most {max_bytes} bytes")
    # Before decoding: four characters of base64 hold three bytes, and no character is shorter than a byte.
    if len(body) * 3 // 4 - 2 > max_bytes:
        raise too_large
    try:
        decoded = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, ValueError):
        raise ProxyError("malformed_request", "the body is not the base64 or UTF-8 that it is said to be") from None
    if len(decoded) > max_bytes:
        raise too_large
    return decoded
