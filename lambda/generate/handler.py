"""The Lambda handler: request -> parse -> invoke -> map -> respond, and nothing of its own."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from generate import answer, chat, event, request, settings
from generate.caps import limited
from generate.errors import ProxyError
from generate.invoke import Call, Endpoint
from generate.log import RequestLog

RESERVE_SECONDS = 1.0
"""Of the time that Lambda leaves: for answering and for the log. What exceeds Lambda's time-out has neither."""

_settings = settings.read(os.environ)
_endpoint = Endpoint(_settings)
_cold_start = True


def handler(lambda_event: Any, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own
    """Answer one Function URL request. Never raises: an exception's text would reach the log, the caller and traces.

    Args:
        lambda_event: a Function URL event, payload format 2.0.
        context: Lambda's context; its request id and its remaining time are used.

    Returns:
        A Function URL response whose body is JSON: Cohere's answer, or ``{"message", "id", "code"}``.

    """
    global _cold_start
    request_id = str(context.aws_request_id)
    log = RequestLog(request_id, cold_start=_cold_start, endpoint=_settings.endpoint_name)
    _cold_start = False
    try:
        status, headers, body = 200, {}, _route(lambda_event, context, log)
    except ProxyError as error:
        log.add(code=error.code, cause=error.cause or None)
        status, headers, body = error.status, error.headers, _error_body(error, request_id)
    except Exception as error:  # noqa: BLE001 - whatever it is, its text stays here
        log.add(code="internal_error", cause=type(error).__name__)
        unknown = ProxyError("internal_error", "the proxy failed; tell the operator the id")
        status, headers, body = unknown.status, {}, _error_body(unknown, request_id)
    log.write(status)
    named = {"content-type": "application/json", "x-request-id": request_id, "cache-control": "no-store"}
    return {"statusCode": status, "headers": {**named, **headers}, "body": body}


def _route(lambda_event: Any, context: Any, log: RequestLog) -> str:  # noqa: ANN401
    if event.is_health_check(lambda_event):
        log.add(route="health")
        return '{"status": "ok"}'
    seconds = min(_settings.timeout_seconds, context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS)
    return _generate(lambda_event, time.monotonic() + seconds, log)


def _generate(lambda_event: Any, deadline: float, log: RequestLog) -> str:  # noqa: ANN401
    fields = limited(request.parse(event.body_of(lambda_event, _settings.max_request_bytes)), _settings.caps)
    call = Call(fields["prompt"], deadline, event.target_variant_of(lambda_event))
    log.add(prompt_characters=len(call.prompt), max_tokens=fields["max_tokens"])
    started = time.monotonic()
    try:
        content = _ask(fields, call)
    finally:
        log.add(attempts=call.attempts, upstream_ms=round((time.monotonic() - started) * 1000))
    answered = answer.check(content)
    log.add(generations=answered.generations, tokens_in=answered.tokens_in, tokens_out=answered.tokens_out)
    return answered.text


def _ask(fields: dict[str, Any], call: Call) -> bytes:
    if _settings.api == "chat":
        return chat.answer_of(_endpoint.invoke_all(chat.bodies_of(fields), call), call.prompt)
    (content,) = _endpoint.invoke_all([json.dumps(fields).encode()], call)
    return content


def _error_body(error: ProxyError, request_id: str) -> str:
    return json.dumps({"message": error.message, "id": request_id, "code": error.code})
