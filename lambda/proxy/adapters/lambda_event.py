"""What a front door hands over, as an HTTP request to one of two routes.

Sources: docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (Function URL, payload format 2.0);
docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (REST API).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.errors import ProxyError

METHOD = "POST"
PATH = "/v1/generate"
HEALTH_PATH = "/healthz"
VARIANT_HEADER = "x-target-variant"
# botocore's model of sagemaker-runtime: TargetVariantHeader.
_VARIANT = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


@dataclass(frozen=True)
class HttpRequest:
    """A request, whichever door it came through.

    Attributes:
        method: the HTTP method.
        path: without a stage's or a domain's own part.
        headers: by their names in lower case.
        arrived: when the front door got it, in seconds since the epoch; 0 when it does not say.

    """

    method: str
    path: str
    headers: Mapping[str, str]
    arrived: float
    _body: Any
    _is_base64: bool

    @property
    def is_health_check(self) -> bool:
        """Return whether it asks for the proxy's own health: ``GET /healthz``."""
        return (self.method, self.path) == ("GET", HEALTH_PATH)

    def body(self, max_bytes: int) -> bytes:
        """Return the body of a request to generate.

        Args:
            max_bytes: the longest body that is taken, in bytes.

        Raises:
            ProxyError: ``malformed_request``, ``not_found``, ``method_not_allowed``, ``unsupported_media_type`` or
                ``request_too_large``.

        """
        if self.path == HEALTH_PATH:
            raise ProxyError("method_not_allowed", f"use GET {HEALTH_PATH}", headers={"allow": "GET"})
        if self.path != PATH:
            raise ProxyError("not_found", f"there is nothing here; send {METHOD} {PATH}")
        if self.method != METHOD:
            raise ProxyError("method_not_allowed", f"use {METHOD} {PATH}", headers={"allow": METHOD})
        if not _is_json(self.headers.get("content-type", "")):
            raise ProxyError("unsupported_media_type", "set the header content-type to application/json")
        return _decoded(self._body, self._is_base64, max_bytes)

    @property
    def target_variant(self) -> str | None:
        """Return the variant that it asks for by a header; None leaves it to the variants' weights.

        Raises:
            ProxyError: ``unknown_variant`` when no variant can have such a name.

        """
        name = self.headers.get(VARIANT_HEADER)
        if name is None or _VARIANT.fullmatch(name):
            return name
        raise ProxyError("unknown_variant", f"{VARIANT_HEADER}: must be the name of a variant, or left out")


def read(event: Any) -> HttpRequest:  # noqa: ANN401 - whatever Lambda hands over
    """Return the request in an event of a Function URL or of a REST API.

    Raises:
        ProxyError: ``malformed_request`` when it is neither.

    """
    try:
        context = event["requestContext"]
        if "http" in context:
            method, path, arrived = context["http"]["method"], event["rawPath"], context.get("timeEpoch")
        else:
            # Not "path": behind a domain of one's own it begins with the domain's base path.
            method, path, arrived = event["httpMethod"], event["resource"], context.get("requestTimeEpoch")
        headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
        milliseconds = arrived if isinstance(arrived, (int, float)) else 0
    except (KeyError, TypeError, AttributeError):
        raise ProxyError("malformed_request", "this function answers HTTP requests of its front door only") from None
    body, is_base64 = event.get("body"), bool(event.get("isBase64Encoded"))
    return HttpRequest(str(method), str(path), headers, milliseconds / 1000, body, is_base64)


def _is_json(content_type: str) -> bool:
    kind, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    return kind.strip().lower() == "application/json" and charset in ("", "utf-8", "utf8")


def _decoded(body: Any, is_base64: bool, max_bytes: int) -> bytes:  # noqa: ANN401 - whatever Lambda hands over
    if not isinstance(body, str) or not body:
        raise ProxyError("malformed_request", "the request has no body; send a JSON object with a prompt")
    too_large = ProxyError("request_too_large", f"the body is too large; send at most {max_bytes} bytes")
    # Before decoding: four characters of base64 hold three bytes, and no character is shorter than a byte.
    if len(body) * 3 // 4 - 2 > max_bytes:
        raise too_large
    try:
        decoded = base64.b64decode(body, validate=True) if is_base64 else body.encode()
    except (binascii.Error, ValueError):
        raise ProxyError("malformed_request", "the body is not the base64 or UTF-8 that it is said to be") from None
    if len(decoded) > max_bytes:
        raise too_large
    return decoded
