"""An answer in a stream: the container's objects in, the dialect's events out, one after the other.

The first object is read before the status is sent, so that throttles and refusals keep their status. A stream that does
not reach its end, for whatever reason, ends with an error event of the dialect.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from typing import Any

from proxy.dialects import framing
from proxy.dialects.answer import Stream
from proxy.dialects.framing import Framing
from proxy.errors import ProxyError
from proxy.http import Request
from proxy.log import RequestLog
from proxy.routes.request import invalid
from proxy.routes.table import Route
from proxy.upstream.call import Call
from proxy.upstream.client import EndpointClient
from proxy.upstream.decoder import Decoder


def answer_in_a_stream(
    upstream: EndpointClient,
    contents: list[bytes],
    call: Call,
    stream: Stream,
    route: Route,
    request: Request,
    log: RequestLog,
    headers: dict[str, str],
) -> Iterator[bytes]:
    """Return the response's pieces, once the first object has come.

    Args:
        upstream: the endpoints.
        contents: the one request to send.
        call: the request it is for.
        stream: the translation.
        route: the route.
        request: the request, whose ``Accept`` may choose the framing.
        log: gets the figures; its line is written when the stream ends.
        headers: gets the content type.

    Raises:
        ProxyError: the request has no answer; nothing is sent yet.

    """
    if len(contents) != 1:
        raise invalid("num_generations", "must be 1 or left out in a stream: each generation is one of its own")
    started = time.monotonic()
    frames = framing.choose(route.name, request.headers.get("accept", ""))
    documents = _documents(upstream, contents[0], call)
    try:
        first = next(documents, None)
        if first is None:
            raise ProxyError("bad_answer", "the model's stream is empty", cause="EmptyStream")
        events = stream.events(first)
    except BaseException:
        documents.close()
        raise
    finally:
        log.add(attempts=call.attempts, upstream_ms=round((time.monotonic() - started) * 1000))
        log.answered_by(call.answered_by)
    log.add(first_event_ms=round((time.monotonic() - started) * 1000))
    headers["content-type"] = frames.media_type
    pieces = _pieces(events, documents, stream, frames, log, started)
    # Begun here: closing it before the first piece, because the caller is gone, ends the upstream stream all the same.
    next(pieces)
    return pieces


def _documents(upstream: EndpointClient, content: bytes, call: Call) -> Generator[dict[str, Any]]:
    decoder, parts = Decoder(), upstream.stream(content, call)
    try:
        for part in parts:
            yield from decoder.feed(part)
        decoder.end()
    finally:
        parts.close()


def _pieces(
    events: list[dict[str, Any]],
    documents: Generator[dict[str, Any]],
    stream: Stream,
    frames: Framing,
    log: RequestLog,
    started: float,
) -> Iterator[bytes]:
    try:
        yield b""
        if events:
            yield b"".join(map(frames.write, events))
        for document in documents:
            if events := stream.events(document):
                yield b"".join(map(frames.write, events))
        if not stream.finished:
            raise ProxyError("connection_lost", "the model's stream ended before its end", cause="NoTerminalEvent")
    except GeneratorExit:
        # The caller is gone: nobody reads what could be said.
        log.add(code="caller_left")
        raise
    except ProxyError as error:
        log.add(code=error.code, cause=error.cause or None)
        yield b"".join(map(frames.write, stream.failure(error, log.request_id)))
    except Exception as error:  # noqa: BLE001 - whatever it is, its text stays here
        defect = log.defect()
        log.add(code=defect.code, cause=type(error).__name__)
        yield b"".join(map(frames.write, stream.failure(defect, log.request_id)))
    finally:
        documents.close()
        log.add(upstream_ms=round((time.monotonic() - started) * 1000))
        log.add(tokens_in=stream.tokens_in, tokens_out=stream.tokens_out)
        log.write(200)
    if frames.end:
        yield frames.end
