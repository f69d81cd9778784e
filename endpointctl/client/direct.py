"""The client of an endpoint itself, for callers that may invoke it: without the proxy, its limits and its checks."""

from __future__ import annotations

import time
from typing import Any, Final, cast

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from endpointctl.aws import Aws
from endpointctl.aws_failure import SIGN_IN
from endpointctl.client.transport import CONNECT_SECONDS, READ_SECONDS, check_variant, failure, parsed, request_fields
from endpointctl.completion import Completion, completion
from endpointctl.failure import Failure
from endpointctl.refused import Refused, refusal

# SageMaker's error codes: a status and a code as the proxy returns them.
_SAGEMAKER_ERRORS: Final = {
    "ThrottlingException": (429, "throttled"),
    "ModelNotReadyException": (503, "not_ready"),
    "ValidationError": (424, "endpoint_unavailable"),
    "InternalFailure": (424, "sagemaker_failed"),
    "InternalDependencyException": (424, "sagemaker_failed"),
    "ServiceUnavailable": (424, "sagemaker_failed"),
}
_DENIED: Final = ("AccessDenied", "ExpiredToken", "UnrecognizedClient")
# The status that the model's container returned, in a ModelError; 0 when it did not respond in time.
_CONTAINER_ERRORS: Final[dict[int | None, tuple[int, str]]] = {
    0: (424, "timed_out"),
    400: (400, "model_refused"),
    413: (400, "model_refused"),
    422: (400, "model_refused"),
    429: (429, "throttled"),
}


class EndpointClient:
    """The endpoint of one environment, invoked directly.

    It makes one attempt: a second one could repeat a generation that is still running, which takes the endpoint's
    capacity and time.

    Args:
        endpoint_name: the endpoint.
        region: its region.
        at_once: how many requests are sent at once at most; default 10.

    Raises:
        Failure: the caller's AWS configuration is wrong.

    """

    def __init__(self, endpoint_name: str, region: str, *, at_once: int = 10) -> None:
        self._name = endpoint_name
        self._runtime = Aws(region).client(
            "sagemaker-runtime",
            Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": 1},
                max_pool_connections=at_once,
                tcp_keepalive=True,
            ),
        )

    def generate(self, prompt: str, *, variant: str | None = None, **fields: Any) -> Completion:  # noqa: ANN401 - JSON
        """Generate text; arguments and errors are those of ``Client.generate``."""
        check_variant(variant)
        started = time.monotonic()
        try:
            response = self._runtime.invoke_endpoint(
                EndpointName=self._name,
                ContentType="application/json",
                Accept="application/json",
                Body=request_fields(prompt, fields),
                **({"TargetVariant": variant} if variant else {}),
            )
            content = response["Body"].read()
        except ClientError as error:
            raise _refusal(error, variant) from None
        except (BotoConnectionError, HTTPClientError, IncompleteReadError, ProxyConnectionError) as error:
            raise failure(error, "SageMaker") from None
        except BotoCoreError as error:
            raise Failure(f"AWS credentials: {type(error).__name__}: {SIGN_IN}") from None
        return completion(parsed(content), time.monotonic() - started, 1)


def _refusal(error: ClientError, variant: str | None) -> Refused:
    details = error.response["Error"]
    http_status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    # A missing endpoint has the same code: "Variant X not found for Request" and "Endpoint X … not found".
    if variant and str(details.get("Message")).startswith("Variant "):
        status, code = 400, "unknown_variant"
    elif details["Code"] in _SAGEMAKER_ERRORS:
        status, code = _SAGEMAKER_ERRORS[details["Code"]]
    elif details["Code"] == "ModelError":
        container = cast("dict[str, Any]", error.response).get("OriginalStatusCode")
        status, code = _CONTAINER_ERRORS.get(container, (424, "model_failed"))
    elif http_status >= 500:
        status, code = 424, "sagemaker_failed"
    elif http_status in (401, 403) or details["Code"].startswith(_DENIED):
        status, code = 403, "access_denied"
    else:
        status, code = 424, "model_failed"
    return refusal(status, {"code": code, "message": f"{details['Code']}: {details.get('Message')}"}, {})
