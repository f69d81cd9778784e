"""An HTTP server with the proxy's routes whose answers a test writes, and which counts the requests."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

JSON = "application/json"
SSE = "text/event-stream"


@dataclass(frozen=True)
class Received:
    """A request.

    Attributes:
        method: the HTTP method.
        path: the path without the query.
        query: the query's values by name.
        headers: the headers by their names in lower case.
        body: the parsed body; None without one.

    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        status: the HTTP status.
        pieces: the body; more than one piece is sent in chunks.
        headers: further headers.
        content_type: the content type.
        drops: whether the connection ends after the pieces, in the middle of the body.

    """

    status: int = 200
    pieces: tuple[bytes, ...] = (b"",)
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON
    drops: bool = False

    @classmethod
    def of(cls, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> "Answer":
        return cls(status, (json.dumps(body).encode(),), headers or {})

    @classmethod
    def events(cls, *events: Any, content_type: str = SSE, done: bool = False, drops: bool = False) -> "Answer":
        """Return a stream: server-sent events, or lines of JSON for another content type."""
        frame = "data: {}\n\n" if content_type == SSE else "{}\n"
        pieces = [frame.format(json.dumps(event)).encode() for event in events]
        return cls(200, (*pieces, *([b"data: [DONE]\n\n"] if done else [])), {}, content_type, drops)


NO_ANSWER = Answer(drops=True, pieces=())


class ScriptedServer:
    """A server on a free port of this machine.

    Args:
        default: returns the answer of a request for which none is scripted.

    Attributes:
        script: answers that are given in turn, to any request; the last one again and again.
        requests: what arrived.

    """

    def __init__(self, default: Callable[[Received], Answer]) -> None:
        self.default = default
        self.script: list[Answer] = []
        self.requests: list[Received] = []
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                url = urlsplit(self.path)
                content = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(content) if content else None
                _send(self, outer.take(Received(self.command, url.path, parse_qs(url.query), headers, body)))

            do_GET = do_POST = answer  # noqa: N815 - the standard library's names

            def log_message(self, *_: object) -> None:
                pass

        self._http = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def take(self, received: Received) -> Answer:
        with self._lock:
            self.requests.append(received)
            if not self.script:
                return self.default(received)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def reset(self, *script: Answer) -> None:
        """Forget the requests, and set the script."""
        with self._lock:
            self.requests, self.script = [], list(script)

    @property
    def url(self) -> str:
        """Return a URL by a host name that only the clients resolve, as they do a deployed one."""
        return f"http://proxy.test:{self._http.server_port}"

    @property
    def paths(self) -> list[str]:
        return [f"{received.method} {received.path}" for received in self.requests]

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hangs up."""


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    if answer is NO_ANSWER:
        handler.close_connection = True
        return
    chunked = len(answer.pieces) != 1 or answer.drops
    handler.send_response(answer.status)
    handler.send_header("content-type", answer.content_type)
    if chunked:
        handler.send_header("transfer-encoding", "chunked")
    else:
        handler.send_header("content-length", str(len(answer.pieces[0])))
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    for piece in answer.pieces:
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
    if answer.drops:
        handler.close_connection = True
    elif chunked:
        handler.wfile.write(b"0\r\n\r\n")
