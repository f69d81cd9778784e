"""The entry point of the streaming function: an HTTP server for AWS's Lambda Web Adapter, around the same core.

The adapter waits for the health route, then sends each invocation as one request. Each piece of a response leaves as
one chunk, at once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, Final

from proxy import settings
from proxy.adapters import web_adapter
from proxy.adapters.http_body import Body
from proxy.core import Core
from proxy.http import Response
from proxy.routes.table import HEALTH

PORT_VARIABLE: Final = "AWS_LWA_PORT"
_NOTHING: Final = b"\n"
_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class Server(ThreadingTCPServer):
    """A server on the loopback address. A connection has a thread, and one request at a time.

    Args:
        port: where to listen; 0 for a free port.
        respond: ``Core.respond``.

    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, respond: Callable[..., Response]) -> None:
        self.respond = respond
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 - socketserver's own
        """Log an error by its class: its text may hold what a caller sent."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # the client is gone
            _log("", error)


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def _answer(self) -> None:
        """Answer one request, whichever method it has."""
        value = self.headers.get(web_adapter.LAMBDA_CONTEXT, "")
        if not value and self.command == HEALTH.method and self.path == HEALTH.path:
            # The adapter asks whether the server is ready; nobody waits for a log line of that.
            self._send(Response(200, {"content-type": "application/json"}, iter((b'{"status": "ok"}',))), "")
            return
        invocation = web_adapter.invocation_of(value)
        # Waiting for the client longer than that helps nobody.
        self.connection.settimeout(max(invocation.remaining_seconds(), 1.0))
        body = Body(self.rfile, self.headers)
        response = self.server.respond(
            lambda: web_adapter.request_of(self.command, self.path, self.headers.items(), body.read),
            request_id=invocation.request_id,
            remaining_seconds=invocation.remaining_seconds,
        )
        body.discard()
        self.close_connection = self.close_connection or body.is_broken
        self._send(response, invocation.request_id)
        self.connection.settimeout(None)

    def _send(self, response: Response, request_id: str) -> None:
        pieces = response.body
        try:
            self._send_head(response)
            for chunk in _chunks(pieces, is_empty=self.command == "HEAD"):
                self.wfile.write(chunk)
        except OSError:  # the client is gone, or does not read
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 - whatever it is, its text stays here
            # Without the final chunk, the client can see that the response is not whole.
            self.close_connection = True
            _log(request_id, error)
        finally:
            if close := getattr(pieces, "close", None):
                close()

    def _send_head(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, text in response.headers.items():
            self.send_header(name, text)
        self.send_header("transfer-encoding", "chunked")
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer what is no HTTP request; the reasons of the base class would repeat it."""
        self.close_connection = True
        self.request_version = self.protocol_version  # for what is no HTTP at all, headers too
        content = json.dumps({"message": self.responses.get(code, ("refused", ""))[0]}).encode()
        self.send_response_only(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the base class's own
        """Write nothing: the core writes one line for each request."""


for _method in _METHODS:
    setattr(Handler, f"do_{_method}", Handler._answer)


def _chunks(pieces: Iterator[bytes], *, is_empty: bool) -> Iterator[bytes]:
    """Yield each piece as a chunk, and the final chunk.

    The adapter cannot pass on a response without a body: it gets a line break, which disturbs neither JSON nor event
    streams.
    """
    if is_empty:
        return
    count = 0
    for piece in pieces:
        if piece:  # an empty chunk is the final one
            count += 1
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n" if count else b"%x\r\n%b\r\n0\r\n\r\n" % (len(_NOTHING), _NOTHING)


def _log(request_id: str, error: BaseException | None) -> None:
    line = {"level": "ERROR", "message": "response broken", "cause": type(error).__name__, "request_id": request_id}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until SIGTERM. Exits with 1 when the settings are wrong, so that the version check fails the deployment."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        core = Core(settings.read(os.environ))
    except RuntimeError as error:
        sys.exit(str(error))
    with Server(int(os.environ.get(PORT_VARIABLE, "8080")), core.respond) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
