"""Schemathesis against the deployed proxy: valid and invalid requests, and the shape of the responses."""

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

from stacks import openapi
from tests.support.cloud import Deployed

_OWN = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding", "date", "server")


@dataclass
class Signer:
    """An address whose requests are signed and passed on to the Function URL: Schemathesis signs nothing.

    Attributes:
        address: where it listens.
        answers: method, status and body of each.

    """

    address: str = ""
    answers: list[tuple[str, int, bytes]] = field(default_factory=list)


@contextlib.contextmanager
def signer(deployed: Deployed) -> Iterator[Signer]:
    signer = Signer()
    url = boto3.client("ssm").get_parameter(Name="/cohere/local/generate-url")["Parameter"]["Value"].rstrip("/")
    credentials: Any = boto3.Session().get_credentials()
    http = urllib3.PoolManager(retries=False, maxsize=10)

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            request = AWSRequest(self.command, url + self.path, {}, body)
            SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
            # Whatever authorization Schemathesis tries is replaced: the door is not what is tested here.
            sent = {name.lower(): value for name, value in self.headers.items() if name.lower() not in _OWN}
            sent |= {name.lower(): value for name, value in request.headers.items()}
            to = deployed.cloud.url + self.path
            answer = http.request(self.command, to, body=body or None, headers={**sent, "host": urlsplit(url).netloc})
            signer.answers.append((f"{self.command} {self.path}", answer.status, answer.data))
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
    yield signer
    server.shutdown()
    server.server_close()


# By itself it takes no 413 for a refusal.
CONFIG = """
[checks.negative_data_rejection]
expected-statuses = [400, 403, 404, 405, 413, 415]
"""


def check(deployed: Deployed, folder: Path, mode: str, examples: int) -> None:
    """Run Schemathesis with so many examples of each operation.

    Args:
        deployed: the deployed proxy.
        folder: where its configuration is written.
        mode: ``positive`` or ``negative``.
        examples: how many examples.

    """
    with signer(deployed) as relay:
        command = [str(Path(sys.executable).with_name("st")), "run", str(openapi.PATH), "--url", relay.address]
        # The front door is not tested here; what a container refuses beyond the document is checked below.
        command += ["--exclude-checks", "ignored_auth,positive_data_acceptance"]
        command += ["--mode", mode, "--max-examples", str(examples), "--seed", "7", "--no-color"]
        if mode == "positive":
            command += ["--header", "x-target-variant: AllTraffic"]  # names are not in the document
        (folder / "schemathesis.toml").write_text(CONFIG)
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sent = [(status, body) for request, status, body in relay.answers if request == "POST /v1/generate"]
    assert len(sent) >= examples * 2 // 3
    if mode == "positive":
        refused = [json.loads(body) for status, body in sent if status != 200]
        # Ranges on which sources disagree are the container's: its context of 2048 tokens, its penalties of 0 to 1.
        assert {one["code"] for one in refused} <= {"model_refused"}
        assert len(sent) - len(refused) > len(sent) // 10
