"""The client of an environment's HTTP API: signs or sends a key, waits when the endpoint is busy, checks the answer."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, Self
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

from endpointctl.aws import Aws
from endpointctl.aws_failure import SIGN_IN
from endpointctl.client.direct import EndpointClient
from endpointctl.client.transport import Response, Transport, check_variant, request_fields
from endpointctl.completion import Completion, completion
from endpointctl.failure import Failure
from endpointctl.refused import refusal
from sagemaker_llm.proxy import source
from stacks import settings

API_KEY_VARIABLE: Final = "ENDPOINTCTL_API_KEY"
"""The environment variable with the API key. Not COHERE_API_KEY: that is a key of Cohere's own platform."""

_LONGEST_PAUSE: Final = 30.0
_GENERATE: Final = "/v1/generate"
_JSON: Final = {"Content-Type": "application/json"}


class Client:
    """The HTTP API of one environment.

    Args:
        url: a Function URL, or a REST API's URL with its stage.
        credentials: the caller's, for APIs that require signed requests.
        region: the API's.
        api_key: for a REST API with API keys; requests are not signed then. Default: none.
        bearer: whether the key is sent as ``Authorization: Bearer``; default false: as ``x-api-key``.
        attempts: how many times a request is sent at most, when the API or the model is busy and nothing was generated
            (429; 503 with a code that says so); default 3. ``Retry-After`` is honoured.
        at_once: how many requests are sent at once at most; default 10.

    Raises:
        Failure: an API key is given for a Function URL, which requires signed requests; or no header can hold the key.

    """

    def __init__(
        self,
        url: str,
        credentials: Credentials | None,
        region: str,
        *,
        api_key: str | None = None,
        bearer: bool = False,
        attempts: int = 3,
        at_once: int = 10,
    ) -> None:
        self._url = url.rstrip("/")
        parts = urlsplit(self._url)
        self._host = parts.netloc
        if api_key and ".lambda-url." in self._host:
            raise _no_key(f"the Function URL {self._url}")
        if api_key and not (api_key.isascii() and api_key.isprintable()):
            raise Failure(
                "the API key holds a line end or a letter outside ASCII; allowed: printable ASCII: correct "
                f"{API_KEY_VARIABLE}, or --api-key"
            )
        self._key_header = _key_header(api_key, bearer=bearer) if api_key else None
        self._attempts = attempts
        self._credentials = credentials
        self._region = region
        # A REST API may have a domain name of its own, a Function URL never.
        self._service = "lambda" if ".lambda-url." in self._host else "execute-api"
        # The variable that redirects every AWS client to the local cloud redirects this one too. The request is signed
        # for, and addressed to, the API's own host either way.
        redirect = os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/")
        self._http = Transport(redirect + parts.path if redirect else self._url, at_once=at_once)

    @classmethod
    def connect(cls, environment: str, **options: Any) -> Self:  # noqa: ANN401 - this class's own options
        """Return a client of the environment's API, with the caller's AWS credentials.

        Args:
            environment: its name.
            options: further arguments of the class.

        Raises:
            Failure: it has no proxy, is not deployed, takes no API key, or AWS denies access.
            SettingsError: the environment does not exist.

        """
        configured = settings.read(environment)
        if not configured.has_proxy:
            raise Failure(
                f"environments/{environment}.yaml: the package answers {configured.api}, and the proxy translates "
                f"{', '.join(source.apis())} only: call the endpoint {configured.endpoint.name} with SageMaker's "
                "InvokeEndpoint"
            )
        rest_api = configured.proxy.rest_api
        if options.get("api_key") and (rest_api is None or rest_api.access == "iam"):
            raise _no_key(f"environments/{environment}.yaml")
        bearer = rest_api is not None and rest_api.access == "bearer"
        aws = Aws(configured.region)
        return cls(aws.proxy_url(environment), aws.credentials(), configured.region, **{"bearer": bearer, **options})

    @staticmethod
    def direct(environment: str, *, at_once: int = 10) -> EndpointClient:
        """Return a client that invokes the environment's endpoint itself, as the article's SDK did.

        Raises:
            Failure: the package does not answer generate requests.
            SettingsError: the environment does not exist.

        """
        configured = settings.read(environment)
        if configured.api != "generate":
            raise Failure(
                f"environments/{environment}.yaml: the package answers {configured.api}, not generate: leave --direct "
                "out, and the proxy translates"
            )
        return EndpointClient(configured.endpoint.name, configured.region, at_once=at_once)

    def generate(self, prompt: str, *, variant: str | None = None, **fields: Any) -> Completion:  # noqa: ANN401 - JSON
        """Generate text.

        Args:
            prompt: what the model continues.
            variant: the endpoint's variant that answers; default by weight.
            fields: further fields of Cohere's ``/v1/generate``; None counts as not given.

        Raises:
            BadAnswer: the response has status 200 and no generations.
            Refused: the response is an error; its subclasses say which kind.
            Failure: no variant can be called so, or there is no response; its subclasses say whether the request was
                sent.

        """
        check_variant(variant)
        content = request_fields(prompt, fields)
        headers = {**_JSON, **({"X-Target-Variant": variant} if variant else {})}
        body, seconds, attempt = self._answered(_GENERATE, headers, content)
        return completion(body, seconds, attempt)

    def ask(self, path: str, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Send one request to any route and return the answer; raises as ``generate`` does.

        Args:
            path: e.g. ``/v2/embed``.
            fields: the body.

        """
        return self._answered(path, _JSON, json.dumps(fields).encode())[0]

    def stream(self, path: str, fields: Mapping[str, Any]) -> Iterator[Any]:
        """Send one request to a route of Cohere's that streams, once; yield the events of its answer as they arrive.

        Args: as those of ``ask``.

        Raises: as ``generate`` does; ``Failure`` also when the answer ends early.

        """
        content = json.dumps({**fields, "stream": True}).encode()
        # Lines are the simpler framing, and every route that Cohere has can write them.
        headers = self._authorized("POST", path, {**_JSON, "Accept": "application/json"}, content)
        answer = self._http.stream("POST", path, headers, content)
        if isinstance(answer, Response):
            raise refusal(answer.status, answer.body, answer.headers)
        return answer

    def _answered(self, path: str, headers: Mapping[str, str], content: bytes) -> tuple[Any, float, int]:
        """Return the body, its time in seconds, and the number of attempts."""
        for attempt in range(1, self._attempts + 1):
            started = time.monotonic()
            response = self._send("POST", path, headers, content)
            if response.status == 200:
                return response.body, time.monotonic() - started, attempt
            refused = refusal(response.status, response.body, response.headers)
            if attempt == self._attempts or not refused.may_be_tried_again:
                raise refused
            _pause(refused.retry_after, attempt)
        raise AssertionError("unreachable: attempts is at least 1")

    def post(self, path: str, content: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Send one request; return status and body, parsed when it is JSON.

        Args:
            path: e.g. ``/v1/generate``.
            content: the body, JSON.
            headers: further headers, signed as well.

        Raises:
            Failure: there is no response.

        """
        response = self._send("POST", path, {**_JSON, **(headers or {})}, content)
        return response.status, response.body

    def get(self, path: str) -> tuple[int, Any]:
        """Send one request without a body; return status and body, parsed when it is JSON.

        Args:
            path: e.g. ``/healthz``.

        Raises:
            Failure: there is no response.

        """
        response = self._send("GET", path, {}, b"")
        return response.status, response.body

    def _send(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> Response:
        return self._http.send(method, path, self._authorized(method, path, headers, content), content)

    def _authorized(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        if self._key_header:
            return {**headers, **self._key_header, "Host": self._host}
        return {**self._signed(method, path, headers, content), "Host": self._host}

    def _signed(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        request = AWSRequest(method, self._url + path, dict(headers), content)
        if self._credentials:
            try:
                # Key, secret and token of one moment: credentials may renew themselves at any time.
                frozen = self._credentials.get_frozen_credentials()
                SigV4Auth(frozen, self._service, self._region).add_auth(request)
            except BotoCoreError as error:
                raise Failure(f"AWS credentials: {type(error).__name__}: {SIGN_IN}") from None
        return dict(request.headers.items())


def _key_header(api_key: str, *, bearer: bool) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}"} if bearer else {"x-api-key": api_key}


def _no_key(place: str) -> Failure:
    return Failure(f"{place}: requests are signed there, and take no API key: unset {API_KEY_VARIABLE}, or --api-key")


def _pause(retry_after: float | None, attempt: int) -> None:
    """Wait for ``retry_after``, or 1 s that doubles with each attempt; add jitter, so that callers spread out."""
    seconds = retry_after if retry_after is not None else 2.0 ** (attempt - 1)
    time.sleep(min(seconds, _LONGEST_PAUSE) * random.uniform(1.0, 1.25))  # noqa: S311 - no secret
