"""What API Gateway says by itself, in the shape of the proxy's errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_apigateway as apigateway

# Type, status, code, message. The message of the last two is AWS's.
# Source: docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html.
_GATEWAY_RESPONSES: Final = (
    ("BAD_REQUEST_BODY", "400", "invalid_field", "the body does not fit the API's schema: see docs/openapi.yaml"),
    ("REQUEST_TOO_LARGE", "413", "request_too_large", "the body is too large"),
    ("THROTTLED", "429", "throttled", "too many requests; try again"),
    ("QUOTA_EXCEEDED", "429", "quota_exceeded", "the quota of this API key is used up"),
    ("INTEGRATION_TIMEOUT", "504", "timed_out", "the proxy took too long; ask for fewer tokens"),
    ("DEFAULT_4XX", None, "refused", None),
    ("DEFAULT_5XX", None, "api_gateway_error", None),
)


def add_gateway_responses(api: apigateway.RestApi, cors_origins: Sequence[str]) -> None:
    """Give API Gateway's own responses the shape of the proxy's errors.

    Args:
        api: the REST API.
        cors_origins: the origins whose pages may read responses. A header can hold one only: with several, a page can
            read the proxy's responses alone.

    """
    origin = {"Access-Control-Allow-Origin": f"'{cors_origins[0]}'"} if len(cors_origins) == 1 else {}
    for kind, status, code, message in _GATEWAY_RESPONSES:
        text = json.dumps(message) if message else "$context.error.messageString"
        retry = {"Retry-After": "'1'"} if code == "throttled" else {}
        api.add_gateway_response(
            f"Answer{kind}",
            type=apigateway.ResponseType.of(kind),
            status_code=status,
            response_headers={**origin, **retry} or None,
            templates={"application/json": f'{{"message": {text}, "id": "$context.requestId", "code": "{code}"}}'},
        )
