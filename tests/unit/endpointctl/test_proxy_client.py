"""The client of the proxy: signed for the Function URL, led astray by nothing, clear when refused."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.credentials import Credentials

from endpointctl.failure import Failure
from endpointctl.proxy import Completion, Proxy, Refused

URL = "https://abc.lambda-url.us-east-1.on.aws/"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    told: dict[str, Any] = {"status": 200, "body": b'{"generations": [{"text": "hi"}]}', "asked": []}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told["asked"].append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(told["status"])
            self.send_header("Content-Length", str(len(told["body"])))
            self.end_headers()
            self.wfile.write(told["body"])

        def log_message(self, *_: Any) -> None:
            pass

    http = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{http.server_port}")
    yield told
    http.shutdown()
    http.server_close()


def proxy() -> Proxy:
    return Proxy(URL, Credentials("AKIDEXAMPLE", "secret"), "us-east-1")


def test_it_signs_for_the_function_url_wherever_it_connects(server: dict[str, Any]) -> None:
    completion = proxy().generate(prompt="p", max_tokens=5)
    assert (completion.texts, completion.tokens) == (["hi"], None)
    path, headers, body = server["asked"][0]
    assert (path, body) == ("/v1/generate", {"prompt": "p", "max_tokens": 5})
    assert headers["Host"] == "abc.lambda-url.us-east-1.on.aws"
    assert "/us-east-1/lambda/aws4_request" in headers["Authorization"]
    assert "host" in headers["Authorization"]


def test_tokens_are_counted_from_likelihoods() -> None:
    one = {"text": "a b", "token_likelihoods": [{"token": "a"}, {"token": " b"}]}
    assert Completion({"generations": [one, one]}, 0.1).tokens == 4
    assert Completion({"generations": [one, {"text": ""}]}, 0.1).tokens is None


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b'{"message": "p: must be", "id": "1", "code": "invalid_field"}', "HTTP 400 [invalid_field]: p: must be"),
        (403, b'{"Message": "Forbidden"}', "HTTP 403: Forbidden"),
        (502, b"Bad Gateway", "HTTP 502: Bad Gateway"),
        (500, b"[]", "HTTP 500: []"),
    ],
)
def test_a_refusal(server: dict[str, Any], status: int, body: bytes, said: str) -> None:
    server.update(status=status, body=body)
    with pytest.raises(Refused) as caught:
        proxy().generate(prompt="p")
    assert (caught.value.status, caught.value.reason) == (status, said)
    assert len(server["asked"]) == 1


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Failure, match=r"^no answer from http://127\.0\.0\.1:1: NewConnectionError$"):
        proxy().generate(prompt="p")
