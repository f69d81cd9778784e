"""The Lambda entry point of the buffered function: an adapter around the core, made once for each environment."""

from __future__ import annotations

import os
from typing import Any

from proxy import settings
from proxy.adapters import lambda_event
from proxy.core import Core

_core = Core(settings.read(os.environ))


def handler(event: Any, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own
    """Answer one request. Never raises: an exception's text would reach the log, the caller and traces.

    Args:
        event: an event of a Function URL (payload format 2.0) or of a REST API (Lambda proxy integration).
        context: Lambda's context; its request id and its remaining time are used.

    Returns:
        A response whose body is JSON, in the form that both front doors take.

    """
    response = _core.respond(
        lambda: lambda_event.request_of(event),
        request_id=str(getattr(context, "aws_request_id", "")),
        remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    return lambda_event.response_of(response)
