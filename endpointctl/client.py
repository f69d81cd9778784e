"""A client of a deployed environment: through its front door, or straight to its endpoint.

    client = Client.connect("dev")
    response = client.generate("Write a LinkedIn post about starting a career in tech:", max_tokens=100)
    response.generations[0].text

A client may be used by several threads at once.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Mapping
from typing import Any, Final, Self
from urllib.parse import urlsplit

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ResponseStreamingError,
)

from endpointctl.aws import SIGN_IN, Aws
from endpointctl.completion import Completion
from endpointctl.failure import Failure, Lost, Unreachable
from endpointctl.refused import Refused, refusal
from stacks import settings

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 80.0
"""How long to wait for an answer: more than the proxy may take (75 s)."""

_LONGEST_PAUSE: Final = 30.0
_GENERATE: Final = "/v1/generate"


class Client:
    """The HTTP API of one environment.

    Args:
        url: the front door: a Function URL, or a REST API with its stage.
        credentials: the caller's, for doors that want signed requests.
        region: the door's.
        api_key: for a REST API with keys; nothing is signed then. Default: none.
        attempts: how often a request is sent at most, when the door or the model is busy and nothing can have been
            generated (429, 503); default 3. ``Retry-After`` is honoured.
        at_once: how many requests are sent at once at most: so many connections are kept; default 10.

    """

    def __init__(
        self,
        url: str,
        credentials: Credentials | None,
        region: str,
        *,
        api_key: str | None = None,
        attempts: int = 3,
        at_once: int = 10,
    ) -> None:
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._attempts = attempts
        where = urlsplit(self._url)
        service = "execute-api" if ".execute-api." in where.netloc else "lambda"
        self._signer = SigV4Auth(credentials, service, region) if credentials else None
        self._host = where.netloc
        # The standard variable that leads every AWS client to the local cloud leads this one there too; the request is
        # signed for the door's own host either way.
        elsewhere = os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/")
        self._connect_to = elsewhere + where.path if elsewhere else self._url
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS), retries=False, maxsize=at_once
        )

    @classmethod
    def connect(cls, environment: str, **options: Any) -> Self:  # noqa: ANN401 - this class's own options
        """Return a client of the environment's front door, with the caller's AWS credentials.

        Args:
            environment: its name.
            options: further arguments of the class.

        Raises:
            Failure: it has no proxy, is not deployed, or AWS refuses to say.
            SettingsError: there is no such environment.

        """
        wanted = settings.read(environment)
        if not wanted.has_proxy:
            raise Failure(
                f"environments/{environment}.yaml: the package answers {wanted.api}, and the proxy speaks to generate "
                f"and chat only: call the endpoint {wanted.endpoint.name} with SageMaker's InvokeEndpoint"
            )
        aws = Aws(wanted.region)
        return cls(aws.proxy_url(environment), aws.credentials(), wanted.region, **options)

    @staticmethod
    def direct(environment: str, *, at_once: int = 10) -> EndpointClient:
        """Return a client that invokes the environment's endpoint itself, as the article's SDK did.

        Raises:
            Failure: the package does not answer generate requests.
            SettingsError: there is no such environment.

        """
        wanted = settings.read(environment)
        if wanted.api != "generate":
            raise Failure(
                f"environments/{environment}.yaml: the package answers {wanted.api}, which is no generate: leave "
                "--direct out, and the proxy translates"
            )
        return EndpointClient(wanted.endpoint.name, wanted.region, at_once=at_once)

    def generate(self, prompt: str, *, variant: str | None = None, **fields: Any) -> Completion:  # noqa: ANN401 - JSON
        """Ask for text.

        Args:
            prompt: what the model continues.
            variant: the endpoint's variant to ask; default by weight.
            fields: further fields of Cohere's ``/v1/generate``; None counts as not given.

        Raises:
            Refused: the answer is an error; its subclasses say which kind.
            Failure: there was no answer.

        """
        content = json.dumps({"prompt": prompt, **_given(fields)}).encode()
        headers = {"X-Target-Variant": variant} if variant else {}
        for attempt in range(1, self._attempts + 1):
            started = time.monotonic()
            status, told, body = self._send("POST", _GENERATE, {"Content-Type": "application/json", **headers}, content)
            if status == 200:
                return Completion(body, time.monotonic() - started, attempt)
            refused = refusal(status, body, told)
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
            Failure: there was no answer.

        """
        status, _, body = self._send("POST", path, {"Content-Type": "application/json", **(headers or {})}, content)
        return status, body

    def get(self, path: str) -> tuple[int, Any]:
        """Send one request without a body; return status and body, parsed when it is JSON.

        Args:
            path: e.g. ``/healthz``.

        Raises:
            Failure: there was no answer.

        """
        status, _, body = self._send("GET", path, {}, b"")
        return status, body

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes
    ) -> tuple[int, Mapping[str, str], Any]:
        if self._api_key:
            sent = {**headers, "x-api-key": self._api_key}
        else:
            sent = self._signed(method, path, headers, content)
        try:
            answer = self._http.request(
                method, self._connect_to + path, body=content or None, headers={**sent, "Host": self._host}
            )
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise Unreachable(f"no answer from {self._connect_to}: {type(error).__name__}") from None
        except urllib3.exceptions.HTTPError as error:
            raise Lost(f"no answer from {self._connect_to}: {type(error).__name__}") from None
        try:
            return answer.status, answer.headers, json.loads(answer.data)
        except ValueError:
            return answer.status, answer.headers, answer.data.decode("utf-8", "replace")

    def _signed(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        request = AWSRequest(method, self._url + path, dict(headers), content)
        if self._signer:
            try:
                self._signer.add_auth(request)
            except BotoCoreError as error:
                # Credentials that renew themselves do so here.
                raise Failure(f"AWS credentials: {type(error).__name__}: {SIGN_IN}") from None
        return dict(request.headers.items())


class EndpointClient:
    """The endpoint of one environment itself, for whoever may invoke it. One attempt: a second may be paid for twice.

    Args:
        endpoint_name: the endpoint.
        region: its region.
        at_once: how many requests are sent at once at most; default 10.

    """

    def __init__(self, endpoint_name: str, region: str, *, at_once: int = 10) -> None:
        self._name = endpoint_name
        self._runtime: Any = boto3.Session(region_name=region).client(
            "sagemaker-runtime",
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": 1},
                max_pool_connections=at_once,
                tcp_keepalive=True,
            ),
        )

    def generate(self, prompt: str, *, variant: str | None = None, **fields: Any) -> Completion:  # noqa: ANN401 - JSON
        """Ask for text; arguments and errors are those of ``Client.generate``."""
        started = time.monotonic()
        try:
            answer = self._runtime.invoke_endpoint(
                EndpointName=self._name,
                ContentType="application/json",
                Accept="application/json",
                Body=json.dumps({"prompt": prompt, **_given(fields)}),
                **({"TargetVariant": variant} if variant else {}),
            )
            body = json.loads(answer["Body"].read())
        except ClientError as error:
            raise _of_sagemaker(error) from None
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise Unreachable(f"no answer from SageMaker: {type(error).__name__}") from None
        except (HTTPClientError, ResponseStreamingError) as error:
            raise Lost(f"no answer from SageMaker: {type(error).__name__}") from None
        except BotoCoreError as error:
            raise Failure(f"AWS credentials: {type(error).__name__}: {SIGN_IN}") from None
        return Completion(body, time.monotonic() - started, 1)


_OF_SAGEMAKER: Final = {
    "ThrottlingException": (429, "throttled"),
    "ModelNotReadyException": (503, "not_ready"),
    "InternalFailure": (503, "unavailable"),
    "ServiceUnavailable": (503, "unavailable"),
    "ValidationError": (502, "endpoint_unavailable"),
    "AccessDeniedException": (403, "access_denied"),
    "AccessDenied": (403, "access_denied"),
    "ExpiredTokenException": (403, "access_denied"),
    "ExpiredToken": (403, "access_denied"),
}


def _of_sagemaker(error: ClientError) -> Refused:
    said = error.response["Error"]
    status, code = _OF_SAGEMAKER.get(said["Code"], (502, "model_failed"))
    container = error.response.get("OriginalStatusCode")
    if container in (400, 413, 422):
        status, code = 400, "model_refused"
    elif container == 429:
        status, code = 429, "throttled"
    elif container == 0:
        status, code = 504, "timed_out"
    return refusal(status, {"code": code, "message": f"{said['Code']}: {said.get('Message')}"}, {})


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _pause(retry_after: float | None, attempt: int) -> None:
    """Wait as long as was asked for, or a second that doubles; and a little, so that callers come apart."""
    seconds = retry_after if retry_after is not None else 2.0 ** (attempt - 1)
    time.sleep(min(seconds, _LONGEST_PAUSE) * random.uniform(1.0, 1.25))  # noqa: S311 - no secret
