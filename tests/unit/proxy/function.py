"""The real handler in front of a real socket, whose behaviour each test chooses."""

import json
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from proxy import settings
from proxy.core import Core

Behaviour = Callable[[socket.socket, bytes], None]
CAPS = {
    "DEFAULT_MAX_TOKENS": "50",
    "MAX_TOKENS": "1000",
    "MAX_GENERATIONS": "3",
    "MAX_PROMPT_CHARACTERS": "5000",
}
SETTINGS = {
    "API": "generate",
    "ENDPOINT_NAME": "cohere-test",
    # Longer than any pause of a busy machine: without time left, no second attempt is made.
    "GENERATE_TIMEOUT_SECONDS": "20",
    "MAX_REQUEST_BYTES": "4096",
    **CAPS,
}
GOOD = {"id": "1", "generations": [{"text": " a good answer"}], "prompt": "p"}


@dataclass
class Upstream:
    """A stand-in for SageMaker's runtime: one behaviour for the first connection, and one for the next ones.

    Attributes:
        behave: the behaviour for the first connection, and for all others without ``then``.
        then: the behaviour for the others.
        requests: the requests received.
        deaf: whether it closes a connection before it has read a request.
        port: the port it listens on.

    """

    behave: Behaviour
    then: Behaviour | None = None
    requests: list[bytes] = field(default_factory=list)
    port: int = 0
    deaf: bool = False

    def wait_for(self, number: int) -> None:
        """Wait until so many requests have arrived: on a busy machine one may still be on its way."""
        give_up = time.monotonic() + 10
        while len(self.requests) < number and time.monotonic() < give_up:
            time.sleep(0.01)


def answer(status: int, content: Any, *, error: str = "", length: int | None = None) -> Behaviour:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def behave(connection: socket.socket, _request: bytes) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length or len(body)}\r\n"
        if error:
            head += f"x-amzn-ErrorType: {error}\r\n"
        connection.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)

    return behave


def read_request(connection: socket.socket) -> bytes:
    """Return one whole request, whatever parts it arrives in; nothing when the connection was closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@dataclass
class Function:
    """The function as Lambda has it: its own module state and its environment."""

    handler: Callable[[Any, Any], dict[str, Any]]

    def call(self, event: Any, remaining_ms: int = 70_000) -> tuple[int, dict[str, str], dict[str, Any]]:
        context = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: remaining_ms)
        response = self.handler(event, context)
        return response["statusCode"], response["headers"], json.loads(response["body"])

    def post(self, body: Any, **changes: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
        return self.call(event(body, **changes))


def event(body: Any, **changes: Any) -> dict[str, Any]:
    """Return a Function URL event, payload format 2.0."""
    http = {"method": changes.pop("method", "POST"), "path": "/v1/generate", "sourceIp": "192.0.2.1"}
    return {
        "version": "2.0",
        "rawPath": changes.pop("path", "/v1/generate"),
        "headers": {"Content-Type": changes.pop("content_type", "application/json")},
        "requestContext": {"http": http},
        "body": body if isinstance(body, str) or body is None else json.dumps(body),
        "isBase64Encoded": False,
        **changes,
    }


def rest_event(body: Any, **changes: Any) -> dict[str, Any]:
    """Return a REST API event, Lambda proxy integration, of the same request."""
    url = event(body, **changes)
    http, path = url["requestContext"]["http"], url.pop("rawPath")
    more = {key: value for key, value in url.items() if key not in ("version", "requestContext")}
    return {
        "resource": path,
        # Behind a domain of one's own, with a base path.
        "path": f"/llm{path}",
        "httpMethod": http["method"],
        "multiValueHeaders": {name: [value] for name, value in (more.get("headers") or {}).items()},
        "queryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"resourcePath": path, "stage": "live", "identity": {"sourceIp": "192.0.2.1"}},
        **more,
    }


def set_sdk(monkeypatch: pytest.MonkeyPatch, upstream: Upstream) -> None:
    """Lead the SDK to the stand-in, with credentials."""
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://127.0.0.1:{upstream.port}",
    }.items():
        monkeypatch.setenv(name, value)


def core_of(monkeypatch: pytest.MonkeyPatch, upstream: Upstream, **variables: str) -> Core:
    """Return a core that streams, with other environment variables of the function."""
    set_sdk(monkeypatch, upstream)
    return Core(settings.read({**SETTINGS, "STREAM_TIMEOUT_SECONDS": "30", **variables}))


def fresh_handler(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the handler as a cold start does."""
    monkeypatch.delitem(sys.modules, "proxy.handler", raising=False)
    import proxy.handler

    monkeypatch.delitem(sys.modules, "proxy.handler", raising=False)
    return proxy.handler
