"""A token authorizer that passes ``Authorization: Bearer <key>`` on as the key of a usage plan.

It has no store and decides nothing: API Gateway looks the key up in its usage plans for each request, also while it
keeps this function's answer, and refuses a key that is unknown, disabled, deleted or of another API. The key is in the
answer only: never in a log, an error or the context that reaches the proxy.

Source: docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html and
api-gateway-api-key-source.html.
"""

from __future__ import annotations

from typing import Any


class Unauthorized(Exception):
    """The request is refused. API Gateway answers it with 401 for exactly this message."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401, ARG001 - Lambda's own
    """Return the key, and a policy that allows the whole stage.

    The stage, not the method: API Gateway keeps the answer by the token, for all methods.

    Args:
        event: of a TOKEN authorizer: ``authorizationToken`` and ``methodArn``.
        context: Lambda's context; unused.

    Raises:
        Unauthorized: the token is no bearer token.

    """
    scheme, _, key = str(event.get("authorizationToken") or "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthorized
    api, stage = str(event["methodArn"]).split("/")[:2]
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{api}/{stage}/*"}
    return {
        "principalId": "bearer",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "usageIdentifierKey": key.strip(),
    }
