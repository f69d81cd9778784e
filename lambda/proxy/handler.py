"""The Lambda handler: request -> parse -> invoke -> map -> respond, and nothing of its own."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from proxy import settings
from proxy.adapters import lambda_event as event
from proxy.adapters.lambda_event import HttpRequest
from proxy.errors import ProxyError
from proxy.log import RequestLog
from proxy.routes import generate as answer
from proxy.routes import generate_chat as chat
from proxy.routes.request import Reader
from proxy.upstream.client import Call, Endpoint

RESERVE_SECONDS = 1.0
"""Of the time that Lambda and the front door leave: for answering and for the log. What exceeds it has neither."""

_settings = settings.read(os.environ)
_reader = Reader(_settings.limits, _settings.default_max_tokens)
_endpoint = Endpoint(_settings)
_cold_start = True


def handler(lambda_event: Any, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own
    """Answer one request. Never raises: an exception's text would reach the log, the caller and traces.

    Args:
        lambda_event: an event of a Function URL (payload format 2.0) or of a REST API (Lambda proxy integration).
        context: Lambda's context; its request id and its remaining time are used.

    Returns:
        A response whose body is JSON: Cohere's answer, or ``{"message", "id", "code"}``. Both doors take its form.

    """
    global _cold_start
    request_id = str(context.aws_request_id)
    log = RequestLog(request_id, cold_start=_cold_start, settings=_settings)
    _cold_start = False
    headers = {"content-type": "application/json", "x-request-id": request_id, "cache-control": "no-store"}
    try:
        request = event.read(lambda_event)
        headers.update(_cors(request))
        status, body = 200, _route(request, context, log)
    except ProxyError as error:
        log.add(code=error.code, cause=error.cause or None)
        headers.update(error.headers)
        status, body = error.status, _error_body(error, request_id)
    except Exception as error:  # noqa: BLE001 - whatever it is, its text stays here
        log.add(code="internal_error", cause=type(error).__name__)
        unknown = ProxyError("internal_error", "the proxy failed; tell the operator the id")
        status, body = unknown.status, _error_body(unknown, request_id)
    log.write(status)
    return {"statusCode": status, "headers": headers, "body": body}


def _cors(request: HttpRequest) -> dict[str, str]:
    """Return what lets a browser show the answer to a page of an origin that the environment names."""
    origin = request.headers.get("origin", "")
    if origin not in _settings.cors_origins:
        return {}
    return {"access-control-allow-origin": origin, "vary": "origin"}


def _route(request: HttpRequest, context: Any, log: RequestLog) -> str:  # noqa: ANN401 - Lambda's own
    if request.is_health_check:
        log.add(route="health")
        return '{"status": "ok"}'
    left = context.get_remaining_time_in_millis() / 1000
    if request.arrived:
        # The door's clock has run since: also while Lambda made an execution environment.
        left = min(left, _settings.front_door_seconds - max(0.0, time.time() - request.arrived))
    seconds = min(_settings.timeout_seconds, left - RESERVE_SECONDS)
    return _generate(request, time.monotonic() + seconds, log)


def _generate(request: HttpRequest, deadline: float, log: RequestLog) -> str:
    fields = _reader.parse(request.body(_settings.max_request_bytes))
    call = Call(fields["prompt"], deadline, request.target_variant)
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
