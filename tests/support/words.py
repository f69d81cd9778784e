"""A core that streams words with pauses, in place of the proxy's own, which answers every other request."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

CORE = """
import json
import os
import signal
import time

from proxy._original_core import Core as Original
from proxy.http import Response


class Core(Original):
    def respond(self, read_request, *, request_id, remaining_seconds):
        request = read_request()
        if request.path != "/v1/generate":
            return super().respond(lambda: request, request_id=request_id, remaining_seconds=remaining_seconds)
        body = request.read_body(100_000)
        try:
            asked = json.loads(json.loads(body)["prompt"])
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            request = type(request)(**{**vars(request), "read_body": lambda _: body})
            return super().respond(lambda: request, request_id=request_id, remaining_seconds=remaining_seconds)
        told = {"caller": request.caller, "age": time.time() - request.received_at, "left": remaining_seconds()}
        print(json.dumps({"message": "words", "request_id": request_id, **told}), flush=True)
        time.sleep(asked.pop("before", 0.0))
        headers = {"content-type": "text/event-stream", "x-request-id": request_id}
        return Response(asked.get("status", 200), headers, words(request_id, **asked))


def words(request_id, number=5, gap=0.0, gate="", end="whole", status=200):
    try:
        for count in range(number):
            if count:
                time.sleep(gap)
            while gate and not os.path.exists(f"{gate}/{count}"):
                time.sleep(0.01)
            yield f"data: {count}\\n\\n".encode()
        if end == "raise":
            raise ValueError
        if end == "exit":
            os.kill(os.getpid(), signal.SIGKILL)
    finally:
        print(json.dumps({"message": "closed", "request_id": request_id, "words": count + 1}), flush=True)
"""
"""It streams for a prompt that is a JSON object: the arguments of ``words``, and how long to wait ``before``.

With a ``gate``, a folder, a word waits for a file with its number.
"""


@dataclass
class Answer:
    """A streamed answer.

    Attributes:
        status: the HTTP status.
        headers: the headers, by their names in lower case.
        body: all that arrived.
        is_whole: whether the end arrived as well.

    """

    status: int
    headers: dict[str, str]
    body: bytes
    is_whole: bool = True


@dataclass
class Door:
    """A deployed front door.

    Attributes:
        url: its address.
        to: where the local cloud listens.
        service: what its signatures are for, ``lambda`` or ``execute-api``.

    """

    url: str
    to: str
    service: str

    def open(self, prompt: Any, *, path: str = "v1/generate", **more: Any) -> tuple[HTTPConnection, HTTPResponse]:
        """Send a request; return as soon as the head of the response is there."""
        text = prompt if isinstance(prompt, str) else json.dumps(prompt)
        request = AWSRequest(
            "POST", self.url + path, {"content-type": "application/json"}, json.dumps({"prompt": text, **more})
        )
        credentials: Any = boto3.Session().get_credentials()
        SigV4Auth(credentials, self.service, "us-east-1").add_auth(request)
        host, local = urlsplit(self.url), urlsplit(self.to)
        connection = HTTPConnection(local.hostname or "", local.port, timeout=60)
        headers = {**dict(request.headers.items()), "host": host.netloc}
        connection.request("POST", f"{host.path}{path}", request.body, headers)
        return connection, connection.getresponse()

    def ask(self, prompt: Any, *, path: str = "v1/generate", **more: Any) -> Answer:
        """Send a request and read its whole response."""
        connection, response = self.open(prompt, path=path, **more)
        headers = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, headers, b"")
        try:
            for part in _parts(response):
                answer.body += part
        except (IncompleteRead, ConnectionError) as error:
            answer.body += getattr(error, "partial", b"")
            answer.is_whole = False
        connection.close()
        return answer


def _parts(response: HTTPResponse) -> Iterator[bytes]:
    while part := response.read1(65536):
        yield part
