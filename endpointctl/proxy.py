"""A client of the deployed proxy: signs requests for its Function URL and reads its answers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from endpointctl.failure import Failure

READ_SECONDS = 80.0
"""How long to wait for an answer: more than the proxy may take (75 s)."""


class Refused(Failure):
    """The proxy, or AWS in front of it, answered with an error.

    Attributes:
        status: the HTTP status.
        body: the answer's body, parsed when it is JSON.

    """

    def __init__(self, status: int, body: Any) -> None:  # noqa: ANN401 - JSON
        said = body if isinstance(body, dict) else {}
        message = said.get("message") or said.get("Message") or str(body)[:200]
        code = f" [{said['code']}]" if "code" in said else ""
        super().__init__(f"HTTP {status}{code}: {message}")
        self.status = status
        self.body = body


@dataclass(frozen=True)
class Completion:
    """The proxy's answer to one generate request.

    Attributes:
        body: the answer as Cohere's API gives it.
        seconds: from sending the request to the last byte, on this machine's clock.

    """

    body: dict[str, Any]
    seconds: float

    @property
    def texts(self) -> list[str]:
        """Return the text of each generation."""
        return [generation["text"] for generation in self.body["generations"]]

    @property
    def tokens(self) -> int | None:
        """Return the number of generated tokens, or None when the request asked for no likelihoods."""
        lists = [generation.get("token_likelihoods") for generation in self.body["generations"]]
        return None if None in lists else sum(len(tokens) for tokens in lists)


class Proxy:
    """The HTTP API of one environment.

    Args:
        url: the Function URL.
        credentials: the caller's.
        region: the Function URL's.

    """

    def __init__(self, url: str, credentials: Credentials, region: str) -> None:
        self._url = url.rstrip("/")
        self._signer = SigV4Auth(credentials, "lambda", region)
        # The standard variable that leads every AWS client to the local cloud leads this one there too; the request is
        # signed for the Function URL's own host either way.
        self._connect_to = os.environ.get("AWS_ENDPOINT_URL", self._url).rstrip("/")
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=5, read=READ_SECONDS), retries=False, maxsize=1
        )

    def generate(self, *, variant: str | None = None, **fields: Any) -> Completion:  # noqa: ANN401 - JSON values
        """Ask for text with the fields of Cohere's ``/v1/generate``.

        Args:
            variant: the endpoint's variant to ask; default by weight.
            fields: the request's.

        Raises:
            Refused: the answer is an error.
            Failure: there was no answer.

        """
        started = time.monotonic()
        headers = {"X-Target-Variant": variant} if variant else {}
        status, body = self.post("/v1/generate", json.dumps(fields).encode(), headers)
        if status != 200:
            raise Refused(status, body)
        return Completion(body, time.monotonic() - started)

    def post(self, path: str, content: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Send one signed request; return status and body, parsed when it is JSON.

        Args:
            path: e.g. ``/v1/generate``.
            content: the body, JSON.
            headers: further headers, signed as well.

        Raises:
            Failure: there was no answer.

        """
        return self._send("POST", path, {"Content-Type": "application/json", **(headers or {})}, content)

    def get(self, path: str) -> tuple[int, Any]:
        """Send one signed request without a body; return status and body, parsed when it is JSON.

        Args:
            path: e.g. ``/healthz``.

        Raises:
            Failure: there was no answer.

        """
        return self._send("GET", path, {}, b"")

    def _send(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> tuple[int, Any]:
        request = AWSRequest(method, self._url + path, dict(headers), content)
        self._signer.add_auth(request)
        signed = {**dict(request.headers.items()), "Host": urlsplit(self._url).netloc}
        try:
            answer = self._http.request(method, self._connect_to + path, body=content or None, headers=signed)
        except urllib3.exceptions.HTTPError as error:
            raise Failure(f"no answer from {self._connect_to}: {type(error).__name__}") from None
        try:
            return answer.status, json.loads(answer.data)
        except ValueError:
            return answer.status, answer.data.decode("utf-8", "replace")
