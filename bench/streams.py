"""A stream through the whole streaming function: how soon a caller gets the first event, and what an event costs.

The function's server runs as Lambda runs it, with TLS to a stand-in for SageMaker's runtime that sends a chat v1
container's events; the caller asks for chat v2 in place of the Lambda Web Adapter.
"""

from __future__ import annotations

import http.client
import json
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from bench.function import cpu_seconds
from bench.stubs import Quick, stub
from local_aws.runner import ports

_EVENTS: Final = 2000
_STREAMS: Final = 15
_REQUEST: Final = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "stream": True}).encode()
_ANSWER: Final = {"text": " word" * _EVENTS, "finish_reason": "COMPLETE"}
Row = tuple[str, str, str, str]
_sent: list[float] = []
"""When the stand-in sent the first event of each stream."""


def rows() -> Iterator[Row]:
    """Yield what, the median, the span and the limit."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port, pid = stack.enter_context(_server(stack.enter_context(stub(folder, _SageMaker))))
        _stream(port)  # unrecorded: the first one connects and imports
        waits, costs = [], []
        for _ in range(_STREAMS):
            before, received = cpu_seconds(pid), _stream(port)
            waits.append((received - _sent[-1]) * 1000)
            costs.append((cpu_seconds(pid) - before) / _EVENTS * 1e6)
    for what, found, limit in (
        ("from SageMaker's first event to the caller's, ms", waits, "15 ms"),
        (f"CPU of an event, us ({_EVENTS} in a stream)", costs, "60 us"),
    ):
        yield what, f"{statistics.median(found):.1f}", f"{min(found):.1f}-{max(found):.1f}", limit


def _stream(port: int) -> float:
    """Ask for a stream and read it whole; return when its first piece came."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    now = int(time.time() * 1000)
    context = {"resourcePath": "/v2/chat", "identity": {}, "requestTimeEpoch": now}
    headers = {
        "content-type": "application/json",
        "x-amzn-request-context": json.dumps({**context, "httpMethod": "POST"}),
        "x-amzn-lambda-context": json.dumps({"request_id": "1", "deadline": now + 300_000}),
    }
    connection.request("POST", "/v2/chat", _REQUEST, headers)
    response = connection.getresponse()
    first = response.read1()
    received = time.perf_counter()
    rest = response.read()
    if response.status != 200 or (first + rest).count(b"content-delta") < _EVENTS:
        raise RuntimeError(f"the stream failed: {response.status} {rest[-300:]!r}")
    connection.close()
    return received


@contextmanager
def _server(environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    with ports.take(0) as taken:
        port = taken.getsockname()[1]
    more = {"API": "chat", "STREAM_TIMEOUT_SECONDS": "300", "AWS_LWA_PORT": str(port)}
    command = [sys.executable, "-m", "proxy.server"]
    process = subprocess.Popen(command, env={**environment, **more}, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while not _is_ready(port):
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError("the server does not start")
            time.sleep(0.01)
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _frame(document: Any) -> bytes:  # noqa: ANN401 - JSON
    payload = json.dumps(document).encode() + b"\n"
    headers = b""
    for name, value in ((":message-type", "event"), (":event-type", "PayloadPart")):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
    prelude = struct.pack("!II", len(headers) + len(payload) + 16, len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack("!I", zlib.crc32(message))


_FRAMES: Final = [
    _frame({"event_type": "stream-start", "generation_id": "1", "is_finished": False}),
    *[_frame({"event_type": "text-generation", "text": " word", "is_finished": False}) for _ in range(_EVENTS)],
    _frame({"event_type": "stream-end", "finish_reason": "COMPLETE", "is_finished": True, "response": _ANSWER}),
]


class _SageMaker(Quick):
    def do_POST(self) -> None:  # noqa: N802 - the base class's own
        """Send a stream, each event by itself."""
        self.body()
        head = (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        self.wfile.write(head)
        _sent.append(time.perf_counter())
        for frame in _FRAMES:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(frame), frame))
        self.wfile.write(b"0\r\n\r\n")
