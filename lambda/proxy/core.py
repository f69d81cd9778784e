"""The core: a request in; a status, headers and an iterator of bytes out. It knows no Lambda and no SageMaker event."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Final

from proxy import routes
from proxy.errors import ProxyError
from proxy.http import Request, Response
from proxy.log import RequestLog
from proxy.routes.request import FieldReader, check_media_type, target_variant
from proxy.routes.table import HEALTH, Route
from proxy.settings import Settings
from proxy.upstream.client import Call, EndpointClient

RESERVE_SECONDS: Final = 1.0
"""The part of the time left by Lambda and the front door that is kept for the response and the log line."""


class Core:
    """Answers requests for one endpoint. Make one for each execution environment: it keeps connections.

    Args:
        settings: the environment's settings.

    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._endpoint = EndpointClient(settings)
        self._translations = routes.translations(settings.api)
        self._readers = {
            name: FieldReader(routes.find(name), settings.limits, settings.default_max_tokens)
            for name in self._translations
        }
        self._cold_start = True

    def respond(
        self, read_request: Callable[[], Request], *, request_id: str, remaining_seconds: Callable[[], float]
    ) -> Response:
        """Answer one request. Never raises.

        Args:
            read_request: returns the request; raises ``ProxyError`` when it is none.
            request_id: the id in the log and in the response.
            remaining_seconds: returns how long the function may still run, in seconds.

        """
        log = RequestLog(request_id, cold_start=self._cold_start, settings=self._settings)
        self._cold_start = False
        headers = {"content-type": "application/json", "x-request-id": request_id, "cache-control": "no-store"}
        try:
            request = read_request()
            log.add(caller=request.caller or None)
            headers.update(self._cors(request))
            status, body = 200, self._dispatch(request, remaining_seconds, log)
        except ProxyError as error:
            log.add(code=error.code, cause=error.cause or None)
            headers.update(error.headers)
            status, body = error.status, _error_body(error, request_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, its text stays here
            log.add(code="internal_error", cause=type(error).__name__)
            unknown = ProxyError("internal_error", "the proxy failed; report the id to the operator")
            status, body = unknown.status, _error_body(unknown, request_id)
        log.write(status)
        return Response(status, headers, iter((body,)))

    def _cors(self, request: Request) -> dict[str, str]:
        """Return the headers that let a page of an allowed origin read the response in a browser."""
        origin = request.headers.get("origin", "")
        if origin not in self._settings.cors_origins:
            return {}
        return {"access-control-allow-origin": origin, "vary": "origin"}

    def _dispatch(self, request: Request, remaining_seconds: Callable[[], float], log: RequestLog) -> bytes:
        route = routes.match(request.method, request.path)
        log.add(route=route.name)
        if route is HEALTH:
            return b'{"status": "ok"}'
        remaining = remaining_seconds()
        if request.received_at:
            # The front door's clock has run since: also while Lambda made an execution environment.
            remaining = min(remaining, self._settings.front_door_seconds - max(0.0, time.time() - request.received_at))
        seconds = min(self._settings.timeout_seconds, remaining - RESERVE_SECONDS)
        return self._translate(route, request, time.monotonic() + seconds, log)

    def _translate(self, route: Route, request: Request, deadline: float, log: RequestLog) -> bytes:
        check_media_type(request)
        fields = self._readers[route.name].read(request.read_body(self._settings.max_request_bytes))
        translation = self._translations[route.name]
        call = Call(fields["prompt"], deadline, target_variant(request))
        log.add(prompt_characters=len(call.prompt), max_tokens=fields["max_tokens"])
        contents = translation.requests(fields)
        started = time.monotonic()
        try:
            answers = self._endpoint.invoke_all(contents, call)
        finally:
            log.add(attempts=call.attempts, upstream_ms=round((time.monotonic() - started) * 1000))
        answer = translation.answer(answers, fields)
        log.add(generations=answer.generations, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out)
        return answer.body


def _error_body(error: ProxyError, request_id: str) -> bytes:
    return json.dumps({"message": error.message, "id": request_id, "code": error.code}).encode()
