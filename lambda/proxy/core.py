"""The core: a request in; a status, headers and an iterator of bytes out. It knows no Lambda and no SageMaker event."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from proxy import routes
from proxy.dialects.answer import Translation
from proxy.dialects.errors import document_of
from proxy.errors import ProxyError
from proxy.http import Request, Response
from proxy.log import RequestLog
from proxy.routes import table
from proxy.routes.request import FieldReader, check_media_type, invalid, target_variant
from proxy.routes.table import Route
from proxy.settings import Endpoint, Settings
from proxy.upstream.call import Call
from proxy.upstream.client import EndpointClient

if TYPE_CHECKING:
    from proxy.upstream.sleeping import SleepingEndpoint

RESERVE_SECONDS: Final = 1.0
"""The part of the time left by Lambda and the front door that is kept for the response and the log line."""

_JSON: Final = "application/json"


class Core:
    """Answers requests for the endpoints. Make one for each execution environment: it keeps connections.

    Args:
        settings: the environment's settings.

    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._upstream = EndpointClient(settings)
        self._readers: dict[str, FieldReader] = {}
        self._translations: dict[str, Translation] = {}
        self._sleeping: SleepingEndpoint | None = None
        self._cold_start = True
        # The first route is made at the start, where Lambda gives more CPU; the others when they are asked for.
        first = settings.endpoints[0]
        route = next(one for one in table.ROUTES if first.api in one.translations)
        self._reader(route)
        self._translation(route, first)

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
        headers = {"content-type": _JSON, "x-request-id": request_id, "cache-control": "no-store"}
        dialect = "cohere"
        try:
            request = read_request()
            dialect = routes.dialect_of(request.path)
            log.add(caller=request.caller or None)
            if self._settings.metrics_clients:
                from proxy.clients import client_of  # most environments do without

                log.add(client=client_of(request, self._settings.metrics_clients))
            headers.update(self._cors(request))
            status, body = 200, self._dispatch(request, remaining_seconds, log, headers)
        except ProxyError as error:
            log.add(code=error.code, cause=error.cause or None)
            headers.update(error.headers)
            status, body = error.status, _error_body(error, dialect, request_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, its text stays here
            defect = log.defect()
            log.add(code=defect.code, cause=type(error).__name__)
            headers.update(defect.headers)
            status, body = defect.status, _error_body(defect, dialect, request_id)
        if isinstance(body, bytes):
            log.write(status)
            return Response(status, headers, iter((body,)))
        return Response(status, headers, body)

    def _cors(self, request: Request) -> dict[str, str]:
        """Return the headers that let a page of an allowed origin read the response in a browser."""
        origin = request.headers.get("origin", "")
        if origin not in self._settings.cors_origins:
            return {}
        return {"access-control-allow-origin": origin, "vary": "origin"}

    def _dispatch(
        self,
        request: Request,
        remaining_seconds: Callable[[], float],
        log: RequestLog,
        headers: dict[str, str],
    ) -> bytes | Iterator[bytes]:
        route, parameter = routes.match(request.method, request.path)
        log.add(route=route.name)
        if not route.translations:
            return self._without_a_model(route, request, parameter)
        remaining = remaining_seconds()
        if request.received_at:
            # The front door's clock has run since: also while Lambda made an execution environment.
            remaining = min(remaining, self._settings.front_door_seconds - max(0.0, time.time() - request.received_at))
        return self._translate(route, request, remaining - RESERVE_SECONDS, log, headers)

    def _without_a_model(self, route: Route, request: Request, parameter: str) -> bytes:
        if route is table.HEALTH:
            return b'{"status": "ok"}'
        if route is table.CHECK_API_KEY:
            # The front door has checked it: a request without a valid one does not arrive here.
            return b'{"valid": true}'
        from proxy.dialects import models  # not needed by requests for an answer

        endpoints = self._settings.endpoints
        if route in (table.MODEL, table.OPENAI_MODEL):
            one = models.cohere_one if route is table.MODEL else models.openai_one
            return one(endpoints, parameter)
        return models.openai_list(endpoints) if route is table.OPENAI_MODELS else models.cohere_list(endpoints, request)

    def _translate(
        self, route: Route, request: Request, seconds: float, log: RequestLog, headers: dict[str, str]
    ) -> bytes | Iterator[bytes]:
        candidates = self._candidates(route)
        check_media_type(request)
        content = request.read_body(self._settings.max_request_bytes)
        fields = self._reader(route).read(content)
        model = fields.pop("model", None)
        endpoint = _named(model, candidates)
        translation = self._translation(route, endpoint)
        streamed = self._streamed(route, fields)
        if route.dialect == "openai":
            # Its answers repeat the model's name.
            fields["model"] = model or endpoint.names[0]
        if route is table.GENERATE:
            fields.setdefault("max_tokens", self._settings.default_max_tokens)
        limit = self._settings.stream_timeout_seconds if streamed else self._settings.timeout_seconds
        deadline = time.monotonic() + min(limit, seconds)
        call = Call(endpoint.name, lambda: texts_of(fields), deadline, target_variant(request))
        log.add(endpoint=endpoint.name, request_bytes=len(content), max_tokens=fields.get("max_tokens"))
        contents = translation.requests(fields)
        try:
            if streamed:
                from proxy.streams import answer_in_a_stream  # not needed by the buffered function

                return answer_in_a_stream(
                    self._upstream, contents, call, translation.stream(fields), route, request, log, headers
                )
            return self._whole(contents, call, translation, fields, log)
        except ProxyError as error:
            raise self._asleep(error, endpoint, log) from None

    def _whole(
        self, contents: list[bytes], call: Call, translation: Translation, fields: dict[str, Any], log: RequestLog
    ) -> bytes:
        started = time.monotonic()
        try:
            answers = self._upstream.invoke_all(contents, call)
        finally:
            log.add(attempts=call.attempts, upstream_ms=round((time.monotonic() - started) * 1000))
            log.answered_by(call.answered_by)
        answer = translation.answer(answers, fields)
        log.add(generations=answer.generations, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out)
        return answer.body

    def _asleep(self, error: ProxyError, endpoint: Endpoint, log: RequestLog) -> ProxyError:
        """Return the error for the caller: another one when the endpoint is away because it sleeps."""
        settings = self._settings
        if error.code != "endpoint_unavailable" or not settings.wake_seconds or endpoint != settings.endpoints[0]:
            return error
        if self._sleeping is None:
            from proxy.upstream.sleeping import SleepingEndpoint  # not needed by endpoints that never sleep

            self._sleeping = SleepingEndpoint(settings.wake_seconds, settings.wake_function)
        return self._sleeping.error(log)

    def _streamed(self, route: Route, fields: dict[str, Any]) -> bool:
        """Return whether the answer is to be a stream; ``stream`` stays among the fields only then."""
        if not fields.get("stream"):
            fields.pop("stream", None)
            return False
        if route.streams and self._settings.stream_timeout_seconds:
            return True
        raise invalid("stream", "must be false or left out: this environment answers whole (proxy.streaming is false)")

    def _candidates(self, route: Route) -> list[Endpoint]:
        found = [one for one in self._settings.endpoints if one.api in route.translations]
        if not found:
            apis = {one.api for one in self._settings.endpoints}
            known = ", ".join(one.path for one in table.routes_for(apis) if one.schema)
            raise ProxyError("not_found", f"no model of this environment answers {route.path}; use {known}")
        return found

    def _reader(self, route: Route) -> FieldReader:
        found = self._readers.get(route.name)
        if found is None:
            found = self._readers[route.name] = FieldReader(route, self._settings.limits)
        return found

    def _translation(self, route: Route, endpoint: Endpoint) -> Translation:
        name = route.translations[endpoint.api]
        found = self._translations.get(name)
        if found is None:
            found = self._translations[name] = cast("Translation", import_module(f"proxy.dialects.{name}"))
        return found


def _named(model: str | None, candidates: list[Endpoint]) -> Endpoint:
    for one in candidates:
        if model is None or model in one.names:
            return one
    from proxy.dialects import models  # not needed by requests for a known model

    raise models.unknown(candidates)


def texts_of(value: Any) -> str:  # noqa: ANN401 - JSON
    """Return every text in a request, which no error may repeat."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "\n".join(filter(None, map(texts_of, value.values())))
    if isinstance(value, list):
        return "\n".join(filter(None, map(texts_of, value)))
    return ""


def _error_body(error: ProxyError, dialect: str, request_id: str) -> bytes:
    return json.dumps(document_of(error, dialect, request_id)).encode()
