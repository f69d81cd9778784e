"""Front doors that stream: Function URLs with RESPONSE_STREAM, and REST APIs with the response transfer mode STREAM.

One of the modules that use MiniStack's private names. Sources: docs.aws.amazon.com/lambda/latest/dg, "urls-invocation";
docs.aws.amazon.com/apigateway/latest/developerguide, "response-transfer-mode" (time, idle time) and
"response-transfer-mode-lambda" (the format).
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from ministack.core import responses
from ministack.services import apigateway_v1 as rest
from ministack.services import lambda_svc

from local_aws.server.front_doors import response_stream
from local_aws.server.front_doors.response_stream import CutOff, Head, ResponseStream

IDLE_SECONDS: Final = 300.0
"""How long a regional or private REST API waits for the next part of a stream, in seconds."""

_URI_SUFFIX: Final = "/response-streaming-invocations"
_OF_LAMBDA: Final = (429, 502)  # a throttle, and a function that failed


def complete() -> None:
    """Let both front doors stream. Call it before ``api_gateway.complete``, which limits the time."""
    _stream_function_urls()
    _stream_rest_apis()


def is_body(content: object) -> bool:
    """Return whether something is a body that can be sent, whole or streamed."""
    return isinstance(content, (bytes, responses.StreamingResponse))


def when_sent(response: Any, note: Callable[[int], None]) -> Any:  # noqa: ANN401 - MiniStack's own
    """Return a response after whose last byte ``note`` is called, with the number of bytes of its body."""
    status, headers, body = response
    if not isinstance(body, responses.StreamingResponse):
        note(len(body))
        return response
    context, original = contextvars.copy_context(), body.runner

    async def run(send: Callable[[dict[str, Any]], Awaitable[None]], receive: object) -> None:
        count = 0

        async def counting(message: dict[str, Any]) -> None:
            nonlocal count
            count += len(message.get("body", b""))
            await send(message)

        try:
            await original(counting, receive)
        finally:
            context.run(note, count)

    return status, headers, responses.StreamingResponse(run)


def _stream_function_urls() -> None:
    serve = lambda_svc.handle_function_url_request

    async def serve_streaming(url_id: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - MiniStack's own
        resolved = named.get("resolved") or lambda_svc.resolve_function_url(url_id)
        if not resolved or resolved[4].get("InvokeMode") != "RESPONSE_STREAM":
            return await serve(url_id, *arguments, **named)
        return await _streamed(lambda: serve(url_id, *arguments, **named), float("inf"), float("inf"))

    lambda_svc.handle_function_url_request = serve_streaming


def _stream_rest_apis() -> None:
    invoke, reference = rest._invoke_lambda_proxy_v1, rest._extract_lambda_ref_from_integration_uri
    shape = rest._lambda_proxy_response

    async def invoke_streaming(integration: dict[str, Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        if integration.get("responseTransferMode") != "STREAM":
            return await invoke(integration, *arguments, **named)
        seconds = int(integration.get("timeoutInMillis") or 29_000) / 1000
        answer = await _streamed(lambda: invoke(integration, *arguments, **named), seconds, IDLE_SECONDS)
        if isinstance(answer, tuple) and isinstance(answer[2], bytes) and answer[0] not in _OF_LAMBDA:
            # The function answered whole: without the prelude that API Gateway waits for.
            return rest._gw_error("DEFAULT_5XX", "Internal server error")
        return answer

    def shaped(result: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's own
        # A function that streams, behind an integration that does not: its prelude is no proxy response.
        is_stream = isinstance(result.get("body"), bytes) and not result.get("error")
        return ({"statusCode": None}, None) if is_stream else shape(result)

    rest._invoke_lambda_proxy_v1 = invoke_streaming
    rest._lambda_proxy_response = shaped
    rest._extract_lambda_ref_from_integration_uri = lambda uri: reference(uri).removesuffix(_URI_SUFFIX)


async def _streamed(run: Callable[[], Awaitable[Any]], seconds: float, idle_seconds: float) -> Any:  # noqa: ANN401
    """Run an invocation; return its response as soon as it begins, or, when it does not stream, at its end.

    Whoever stops waiting does not stop the invocation, as on AWS.
    """
    deadline = time.monotonic() + seconds
    stream = ResponseStream()
    token = response_stream.current.set(stream)
    try:
        task = asyncio.ensure_future(run())  # with a copy of the context
    finally:
        response_stream.current.reset(token)
    task.add_done_callback(lambda _: stream.end())  # however it ended
    head = await stream.head()
    if head is None:
        return await task
    return _response(head, stream, task, deadline, idle_seconds)


def _response(head: Head, stream: ResponseStream, task: Awaitable[Any], deadline: float, idle_seconds: float) -> Any:  # noqa: ANN401
    async def run(send: Callable[[dict[str, Any]], Awaitable[None]], _receive: object) -> None:
        try:
            async for chunk in stream.chunks(deadline, idle_seconds):
                with suppress(Exception):  # the client is gone: the function goes on
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await task  # its log is written
        except CutOff:
            return  # without the last frame, the client can see that the response is not whole
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return head.status, dict(head.headers), responses.StreamingResponse(run)
