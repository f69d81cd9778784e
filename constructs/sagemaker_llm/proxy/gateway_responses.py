"""What API Gateway answers by itself, in the shape of the proxy's errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_apigateway as apigateway

from sagemaker_llm.proxy.access import Access


@dataclass(frozen=True)
class GatewayResponse:
    """One of API Gateway's own responses.

    Attributes:
        kind: its type in API Gateway.
        status: the HTTP status; None for API Gateway's own.
        code: for programs.
        message: what is wrong and what to do; None for API Gateway's own.
        type: OpenAI's word for the kind of error.
        retry_after: when to try again, in seconds; None where a retry helps nobody.
        may_be_repeated: whether a client that repeats requests by itself may do so. OpenAI's clients obey this; 424 and
            401 are statuses that no client repeats.

    """

    kind: str
    status: str | None
    code: str
    message: str | None
    type: str
    retry_after: int | None = None
    may_be_repeated: bool = True


_INVALID: Final = "invalid_request_error"
_NO_KEY: Final = "authentication_error"
_SERVER: Final = "server_error"

RESPONSES: Final = (
    GatewayResponse(
        "BAD_REQUEST_BODY",
        "400",
        "invalid_field",
        "the body does not fit the API's schema: see docs/openapi.yaml",
        _INVALID,
    ),
    GatewayResponse("REQUEST_TOO_LARGE", "413", "request_too_large", "the body is too large", _INVALID),
    # No Authorization header, or one that can hold no key.
    GatewayResponse("UNAUTHORIZED", "401", "unauthorized", "{no_key}", _NO_KEY),
    # No key, or one that is unknown, disabled, or of another API.
    GatewayResponse("INVALID_API_KEY", "401", "unauthorized", "{no_key}", _NO_KEY),
    GatewayResponse("THROTTLED", "429", "throttled", "too many requests; try again", "rate_limit_error", 1),
    GatewayResponse(
        "QUOTA_EXCEEDED",
        "429",
        "quota_exceeded",
        "the quota of this API key is used up; ask the operator for another, or wait for the next period",
        "insufficient_quota",
        3600,
        may_be_repeated=False,
    ),
    # Before the function: the model cannot have run.
    GatewayResponse("AUTHORIZER_FAILURE", "503", "unavailable", "the key could not be checked; try again", _SERVER, 1),
    GatewayResponse(
        "AUTHORIZER_CONFIGURATION_ERROR", "503", "unavailable", "the key could not be checked; try again", _SERVER, 1
    ),
    # Nobody knows whether the model runs, so no client may repeat the request by itself.
    GatewayResponse(
        "INTEGRATION_TIMEOUT",
        "424",
        "timed_out",
        "the proxy took too long; ask for fewer tokens",
        _SERVER,
        may_be_repeated=False,
    ),
    # Each by itself: sources disagree whether a type inherits the default's status.
    *(
        GatewayResponse(kind, "424", "api_gateway_error", None, _SERVER, may_be_repeated=False)
        for kind in ("API_CONFIGURATION_ERROR", "INTEGRATION_FAILURE", "DEFAULT_5XX")
    ),
    GatewayResponse("DEFAULT_4XX", None, "refused", None, _INVALID),
)
"""Source: docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html."""

_HEADERS: Final[dict[Access, str]] = {"api_keys": "x-api-key: KEY", "bearer": "Authorization: Bearer KEY"}


def add_gateway_responses(api: apigateway.RestApi, access: Access, cors_origins: Sequence[str]) -> None:
    """Give API Gateway's own responses the shape of the proxy's errors.

    API Gateway does not know which dialect a caller speaks, so that each body has both: Cohere's members, and OpenAI's
    below ``error``.

    Args:
        api: the REST API.
        access: how callers are identified, for what to do without a key.
        cors_origins: the origins whose pages may read responses. A header can hold one only: with several, a page can
            read the proxy's responses alone.

    """
    origin = {"Access-Control-Allow-Origin": f"'{cors_origins[0]}'"} if len(cors_origins) == 1 else {}
    header = _HEADERS.get(access, "a signature")
    no_key = f"the API key is missing, wrong, disabled or deleted; send {header} with a key from the operator"
    for one in RESPONSES:
        headers = {
            **origin,
            **({"Retry-After": f"'{one.retry_after}'"} if one.retry_after else {}),
            **({} if one.may_be_repeated else {"x-should-retry": "'false'"}),
        }
        api.add_gateway_response(
            f"Answer{one.kind}",
            type=apigateway.ResponseType.of(one.kind),
            status_code=one.status,
            response_headers=headers or None,
            templates={"application/json": _body(one, no_key)},
        )


def _body(one: GatewayResponse, no_key: str) -> str:
    """Return a response's body as a template."""
    # API Gateway's own message is JSON already, quotes included.
    text = json.dumps(one.message.format(no_key=no_key)) if one.message else "$context.error.messageString"
    openai = f'{{"message": {text}, "type": "{one.type}", "code": "{one.code}", "param": null}}'
    return f'{{"message": {text}, "id": "$context.requestId", "code": "{one.code}", "error": {openai}}}'
