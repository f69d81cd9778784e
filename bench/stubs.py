"""Stand-ins for AWS on this machine, quick enough that they are not what is measured."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import trustme

ROOT: Final = Path(__file__).parent.parent


class Quick(BaseHTTPRequestHandler):
    """HTTP/1.1 without delayed acknowledgements, which would cost 40 ms a request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Write nothing."""

    def body(self) -> bytes:
        """Return the request's body."""
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        """Send a response."""
        head = [f"HTTP/1.1 {status} X", f"content-length: {len(content)}", "content-type: application/json"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n" + content)


@contextmanager
def stub(folder: Path, handler: type[BaseHTTPRequestHandler]) -> Iterator[dict[str, str]]:
    """Run a stand-in for SageMaker's runtime behind TLS; yield the environment that leads there."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    with serving(handler, context) as port:
        yield {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": f"{ROOT / 'lambda'}:{ROOT}",
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"https://localhost:{port}",
            "AWS_CA_BUNDLE": str(folder / "ca.pem"),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "ENDPOINT_NAME": "bench",
            "API": "generate",
            "GENERATE_TIMEOUT_SECONDS": "65",
            "MAX_REQUEST_BYTES": "262144",
            "DEFAULT_MAX_TOKENS": "200",
            "MAX_TOKENS": "4096",
            "MAX_GENERATIONS": "5",
            "MAX_PROMPT_CHARACTERS": "262144",
        }


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Run a server on a free port, which is yielded."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
