"""The metrics of REST APIs. One of the modules that use MiniStack's private names.

Source: docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html.
"""

from __future__ import annotations

import time
from typing import Any

from ministack.services import apigateway_v1 as rest

from local_aws.server import cloudwatch


def record(request: dict[str, Any], started: float, response: Any) -> None:  # noqa: ANN401 - MiniStack's own
    """Record the metrics of a request.

    Args:
        request: the request.
        started: when it arrived, in seconds since the epoch.
        response: the response, or API Gateway's own error, which has the status that its gateway response sets.

    """
    api = rest._rest_apis.get(request["api_id"])
    if not api:
        return
    refused = isinstance(response, rest._GatewayError)
    status = int((rest._gateway_error_response(response, request) if refused else response)[0])
    dimensions = {"ApiName": str(api["name"]), "Stage": str(request["stage_name"])}
    values = {
        "Count": (1, "Count"),
        "4XXError": (int(400 <= status < 500), "Count"),
        "5XXError": (int(status >= 500), "Count"),
        "Latency": (round((time.time() - started) * 1000), "Milliseconds"),
    }
    for name, (value, unit) in values.items():
        cloudwatch.record_metric("AWS/ApiGateway", name, value, unit, dimensions)
