"""HTTP as botocore does it: the same proxies, certificates, time-outs and errors as boto3's own clients have."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ssl import SSLCertVerificationError
from typing import Any, Final

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.exceptions import (
    BotoCoreError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ProfileNotFound,
    ProxyConnectionError,
    SSLError,
)
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from endpointctl.failure import Failure, Lost, Unreachable
from sagemaker_llm.limits import VARIANT_NAME_PATTERN

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 80.0
"""How long to wait for a response: longer than the proxy's own limit (75 s)."""

# In characters; the pattern lets more hyphens pass. Source: botocore's model of sagemaker-runtime, TargetVariantHeader.
_LONGEST_VARIANT: Final = 63


@dataclass(frozen=True)
class Response:
    """An HTTP response that arrived completely.

    Attributes:
        status: the HTTP status.
        headers: the response's headers; lower-case names.
        body: parsed when it is JSON, else text.

    """

    status: int
    headers: Mapping[str, str]
    body: Any


class Transport:
    """Send requests to one server; never retry one.

    Proxies come from ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY``; certificates from ``AWS_CA_BUNDLE``, the
    ``ca_bundle`` of ~/.aws/config, or ``REQUESTS_CA_BUNDLE``, in that order, as in ``botocore.endpoint``.

    Args:
        url: the server, with the prefix of every path.
        at_once: how many requests are sent at once at most.

    Raises:
        Failure: AWS_PROFILE names no profile, or the CA bundle's path is empty.

    """

    def __init__(self, url: str, *, at_once: int) -> None:
        self._url = url
        session: Any = URLLib3Session  # its stubs know neither paths nor pairs of time-outs
        self._http = session(
            verify=_certificates(),
            proxies=get_environ_proxies(url),
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            max_pool_connections=at_once,
        )

    def send(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> Response:
        """Send one request and read its response.

        Raises:
            Unreachable: there is no connection; nothing was sent.
            Lost: the request may have been sent, and no whole response arrived.
            Failure: the server's certificate is not trusted.

        """
        response = self._sent(method, path, headers, content, stream=False)
        self._check_length(response.headers, len(response.content))
        return Response(response.status_code, _lower(response.headers), parsed(response.content))

    def stream(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> Response | Iterator[Any]:
        """Send one request for lines of JSON; return them as they arrive, or the response if its status is no 200.

        Raises:
            Failure: as ``send`` does, while the lines are read too.

        """
        response = self._sent(method, path, headers, content, stream=True)
        lines = self._lines(response)
        if response.status_code != HTTPStatus.OK:
            return Response(response.status_code, _lower(response.headers), parsed(b"\n".join(lines)))
        return (self._event(line) for line in lines if line.strip())

    def _lines(self, response: Any) -> Iterator[bytes]:  # noqa: ANN401 - botocore's
        raw, rest, size = response.raw, b"", 0
        try:
            # Whatever is there, however little: the next bytes may take long.
            while part := raw.read1(65536):
                size += len(part)
                *lines, rest = (rest + part).split(b"\n")
                yield from lines
        except HTTPError as error:
            raise Lost(f"the stream from {self._url} ended early: {type(error).__name__}") from None
        finally:
            raw.close()
        self._check_length(response.headers, size)
        if rest:
            yield rest

    def _check_length(self, headers: Mapping[Any, Any], size: int) -> None:
        """Refuse a response that is shorter than it says; botocore leaves this to its parsers."""
        length = str(headers.get("content-length", ""))
        if length.isdigit() and size < int(length):
            raise Lost(f"no answer from {self._url}: the response ended after {size} of {length} bytes")

    def _event(self, line: bytes) -> Any:  # noqa: ANN401 - JSON
        try:
            return json.loads(line)
        except ValueError:
            raise Lost(f"the stream from {self._url} holds a line that is no JSON") from None

    def _sent(self, method: str, path: str, headers: Mapping[str, str], content: bytes, *, stream: bool) -> Any:  # noqa: ANN401
        # A connection of its own: a server that closes an idle one would lose the next request, and a handshake
        # is short beside a generation.
        names: Any = HeadersDict({**headers, "Connection": "close"}.items())
        request = AWSPreparedRequest(method, self._url + path, names, content or None, stream_output=stream)
        try:
            return self._http.send(request)
        except BotoCoreError as error:
            raise failure(error, self._url) from None


def _lower(headers: Mapping[Any, Any]) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}


def failure(error: BotoCoreError, server: str) -> Failure:
    """Return the failure for a request that has no response.

    Args:
        error: as botocore's HTTP session raises it.
        server: its URL or name, for the message.

    """
    name = type(error).__name__
    if isinstance(error, (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)):
        return Unreachable(f"no answer from {server}: {name}")
    if isinstance(error, SSLError) and _is_local(error):
        return Failure(
            f"{server}: the certificate is not trusted: set AWS_CA_BUNDLE to a readable file that has its CA"
        )
    if isinstance(error, (HTTPClientError, IncompleteReadError, SSLError)):
        return Lost(f"no answer from {server}: {name}")
    return Failure(f"no request was sent to {server}: {name}: {error}")


def _is_local(error: SSLError) -> bool:
    """Return whether it is about certificates: found before anything was sent."""
    cause: Any = error.kwargs.get("error")
    cause = cause.args[0] if isinstance(cause, Exception) and cause.args else cause
    return isinstance(cause, (SSLCertVerificationError, FileNotFoundError, PermissionError)) or (
        "certificate" in str(cause).lower()
    )


def parsed(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return a body parsed when it is JSON, else as text."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")


def request_fields(prompt: str, fields: Mapping[str, Any]) -> bytes:
    """Return the body of a generate request; fields that are None are left out."""
    given = {name: value for name, value in fields.items() if value is not None}
    return json.dumps({"prompt": prompt, **given}).encode()


def check_variant(name: str | None) -> None:
    """Refuse a name that no variant can have, before anything is sent: a header could not hold each of them.

    Args:
        name: a variant; None leaves the choice to the variants' weights.

    Raises:
        Failure: it is no such name.

    """
    if name and not (re.fullmatch(VARIANT_NAME_PATTERN, name) and len(name) <= _LONGEST_VARIANT):
        raise Failure(
            f"variant {name!r}: no variant can be called so; allowed: 1 to 63 letters, digits and inner hyphens: give "
            "a name of endpoint.more_variants, or AllTraffic"
        )


def _certificates() -> str | bool:
    try:
        configured = botocore.session.Session().get_config_variable("ca_bundle")
    except ProfileNotFound as error:
        raise Failure(f"{error}: choose one of `aws configure list-profiles`") from None
    found: str | bool = os.environ.get("REQUESTS_CA_BUNDLE", True) if configured is None else configured
    if isinstance(found, str) and not found.strip():
        raise Failure("the CA bundle's path is empty: unset AWS_CA_BUNDLE and REQUESTS_CA_BUNDLE, or name a file")
    return found
