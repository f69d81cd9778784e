"""An HTTP server that returns given responses and records the requests."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = b'{"generations": [{"text": "hi"}]}'
Response = tuple[int, dict[str, str], bytes]
Request = tuple[str, dict[str, str], Any]


class HttpServer:
    """A server on a free port. It closes each connection after its response.

    Attributes:
        responses: returned in turn, then the last one again; a ``Content-Length`` of their own is kept.
        requests: path, headers and parsed body of each request.
        seconds: how long each response takes.
        hangs_up: whether connections are closed without a response.
        http: the server itself.

    """

    def __init__(self) -> None:
        self.responses: list[Response] = [(200, {}, GOOD)]
        self.requests: list[Request] = []
        self.seconds = 0.0
        self.hangs_up = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.path, dict(self.headers), json.loads(body)))
                time.sleep(outer.seconds)
                if outer.hangs_up:
                    self.close_connection = True
                    return
                number = min(len(outer.requests), len(outer.responses)) - 1
                status, headers, content = outer.responses[number]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), "Connection": "close", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True

    @property
    def port(self) -> int:
        return int(self.http.server_port)

    def start(self) -> None:
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()
