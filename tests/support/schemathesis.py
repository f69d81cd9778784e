"""Schemathesis against a deployed proxy: valid and invalid requests of every operation of docs/openapi.yaml."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from proxy.routes.table import ROUTES

_OWN = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding", "date", "server")
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """An answer of the proxy.

    Attributes:
        request: the method and the path, without its query.
        status: the status.
        media_type: the media type, without its parameters.
        content: the body.

    """

    request: str
    status: int
    media_type: str
    content: bytes

    @property
    def error(self) -> dict[str, Any]:
        """Return the error in either dialect's shape."""
        document = json.loads(self.content)
        found: dict[str, Any] = document.get("error", document)
        return found


@dataclass
class Signer:
    """An address whose requests are signed and passed on to the Function URL: Schemathesis signs nothing.

    Attributes:
        address: where it listens.
        answers: what the proxy answered, in its order.

    """

    address: str = ""
    answers: list[Answer] = field(default_factory=list)


@contextlib.contextmanager
def signer(url: str, cloud: str) -> Iterator[Signer]:
    """Run a signer for a Function URL of a local cloud."""
    signer = Signer()
    url = url.rstrip("/")
    credentials: Any = boto3.Session().get_credentials()
    http = urllib3.PoolManager(retries=False, maxsize=10)

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Otherwise each answer waits 40 ms for an acknowledgement.
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            pass

        def relay(self) -> None:
            # Lambda refuses an event of more than 6 MB, and the local cloud does not. What is left of the body is too
            # large for the proxy as well.
            body = self.rfile.read(int(self.headers.get("content-length", 0)))[:_MOST_BYTES]
            path, mark, query = self.path.partition("?")
            # Signatures need spaces like this.
            target = path + mark + query.replace("+", "%20")
            request = AWSRequest(self.command, url + target, {}, body)
            SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
            # The front door is not tested here: whatever authorization Schemathesis tries is replaced.
            sent = {name.lower(): value for name, value in self.headers.items() if name.lower() not in _OWN}
            sent |= {name.lower(): value for name, value in request.headers.items()}
            to = cloud + target
            sent["host"] = urlsplit(url).netloc
            answer = http.request(self.command, to, body=body or None, headers=sent)
            media_type = answer.headers.get("content-type", "").partition(";")[0]
            signer.answers.append(Answer(f"{self.command} {path}", answer.status, media_type, answer.data))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.data)

        do_GET = do_QUERY = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = do_TRACE = relay  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    signer.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield signer
    finally:
        server.shutdown()
        server.server_close()


CONFIG = """
[generation]
# The signer replaces them.
with-security-parameters = false

[checks.negative_data_rejection]
# By itself it takes no 413 for a refusal.
expected-statuses = [400, 403, 404, 405, 413, 415]

[phases.coverage]
unexpected-methods = ["DELETE", "PUT"]
"""
# Its cases do not differ by the path, and are the most of all.
WITHOUT_COVERAGE = """
[[operations]]
include-path = "{path}"
phases.coverage.enabled = false
"""


def config() -> str:
    """Return Schemathesis's configuration."""
    return CONFIG + "".join(WITHOUT_COVERAGE.format(path=path) for route in ROUTES for path in route.also_at)


def run(document: dict[str, Any], url: str, cloud: str, folder: Path, mode: str, *options: str) -> list[Answer]:
    """Run Schemathesis; return what the proxy answered.

    Args:
        document: the OpenAPI document.
        url: the proxy's Function URL.
        cloud: the local cloud's URL.
        folder: where the document and the configuration are written.
        mode: ``positive`` or ``negative``.
        options: further options of the command.

    """
    described = folder / "openapi.json"
    described.write_text(json.dumps(document))
    (folder / "schemathesis.toml").write_text(config())
    with signer(url, cloud) as relay:
        command = [str(Path(sys.executable).with_name("st")), "run", str(described), "--url", relay.address]
        # What a container refuses beyond the document is no failure.
        command += ["--exclude-checks", "ignored_auth,positive_data_acceptance"]
        command += ["--mode", mode, "--seed", "7", "--workers", "2", "--no-color", *options]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return relay.answers
