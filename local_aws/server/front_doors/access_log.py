"""Access logs of REST APIs. One of the modules that use MiniStack's private names.

Source: docs.aws.amazon.com/apigateway/latest/developerguide, "set-up-logging" (the format).
"""

from __future__ import annotations

import re
import time
from typing import Any, Final

from ministack.services import apigateway_v1 as rest
from ministack.services import cloudwatch_logs

_VARIABLE = re.compile(r"\$context\.([\w.]+)")
_STREAM: Final = "access"


def write(
    request: dict[str, Any],
    method: str,
    headers: dict[str, Any],
    started: float,
    response: Any,  # noqa: ANN401 - MiniStack's own
    size: int = 0,
) -> None:
    """Write a line, if the stage has an access log.

    Args:
        request: the request.
        method: the HTTP method.
        headers: the request's headers.
        started: when it arrived, in seconds since the epoch.
        response: the response, or API Gateway's own error.
        size: the bytes of the response's body.

    """
    settings = (request["stage"] or {}).get("accessLogSettings") or {}
    if not settings:
        return
    refused = isinstance(response, rest._GatewayError)
    status, _, content = rest._gateway_error_response(response, request) if refused else response
    key = rest._resolve_api_key(rest._api_key_from_request(headers))
    elapsed = str(round((time.time() - started) * 1000))
    values = {
        "requestId": request["request_id"],
        "requestTimeEpoch": str(int(started * 1000)),
        "identity.sourceIp": "127.0.0.1",
        "identity.apiKeyId": (key or {}).get("id"),
        "httpMethod": method,
        "resourcePath": request["resource_path"],
        "status": str(status),
        "error.responseType": response.response_type if refused else None,
        "responseLatency": elapsed,
        "integrationLatency": None if refused else elapsed,
        "integration.status": None if refused else "200",
        "responseLength": str(len(content) if refused else size),
    }
    line = _VARIABLE.sub(lambda found: values.get(found[1]) or "-", settings["format"])
    group = settings["destinationArn"].rpartition("log-group:")[2].removesuffix(":*")
    where = {"logGroupName": group, "logStreamName": _STREAM}
    cloudwatch_logs._create_log_stream(where)
    cloudwatch_logs._put_log_events({**where, "logEvents": [{"timestamp": int(started * 1000), "message": line}]})
