"""The custom resource between a new version and its callers: it always answers CloudFormation, and never lies."""

import http.server
import io
import json
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from version_check import handler as check

VERSION = "arn:aws:lambda:us-east-1:111122223333:function:proxy:7"


class Lambda:
    """Stands for boto3's client of Lambda."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.asked: list[dict[str, Any]] = []
        self.refusals: list[str] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self.refusals:
            raise ClientError({"Error": {"Code": self.refusals.pop(0)}}, "Invoke")
        if isinstance(self._answer, Exception):
            raise self._answer
        return dict(self._answer)


def payload(content: Any, **more: str) -> dict[str, Any]:
    return {"Payload": io.BytesIO(json.dumps(content).encode()), **more}


def streamed(status: int, body: bytes) -> dict[str, Any]:
    """Return what a function behind the Lambda Web Adapter answers to a buffered Invoke."""
    prelude = json.dumps({"statusCode": status, "headers": {"content-type": "application/json"}, "cookies": []})
    return {"Payload": io.BytesIO(prelude.encode() + b"\0" * 8 + body)}


@pytest.fixture
def responses() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """CloudFormation's address, and what was sent there."""
    received: list[dict[str, Any]] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            received.append({**body, "content-type": self.headers["content-type"]})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/answer", received
    server.shutdown()
    thread.join()
    server.server_close()


def request(url: str, kind: str, **more: Any) -> dict[str, Any]:
    ids = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "Check"}
    return {"RequestType": kind, "ResponseURL": url, "ResourceProperties": {"Version": VERSION}, **ids, **more}


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (payload({"statusCode": 200, "body": "{}"}), "SUCCESS", "checked"),
        (payload({"statusCode": 500}), "FAILED", "it does not answer GET /healthz with 200"),
        (streamed(200, b'{"status": "ok"}'), "SUCCESS", "checked"),
        (streamed(200, b"\0" * 20), "SUCCESS", "checked"),
        (streamed(500, b'{"statusCode": 200}'), "FAILED", "it does not answer GET /healthz with 200"),
        ({"Payload": io.BytesIO(b"")}, "FAILED", "it does not answer GET /healthz with 200"),
        ({"Payload": io.BytesIO(b"<html>")}, "FAILED", "it does not answer GET /healthz with 200"),
        (payload(None), "FAILED", "it does not answer GET /healthz with 200"),
        (
            payload({"errorType": "Runtime.ImportModuleError", "errorMessage": "no x"}, FunctionError="Unhandled"),
            "FAILED",
            "cannot start: Runtime.ImportModuleError: no x",
        ),
        (payload("boom", FunctionError="Unhandled"), "FAILED", "cannot start: an error: without a message"),
        (RuntimeError("denied"), "FAILED", "the check itself failed: RuntimeError: denied"),
    ],
)
def test_what_cloudformation_is_told(
    monkeypatch: pytest.MonkeyPatch, responses: tuple[str, list[dict[str, Any]]], answer: Any, status: str, message: str
) -> None:
    url, received = responses
    client = Lambda(answer)
    monkeypatch.setattr(boto3, "client", lambda _: client)
    check.handler(request(url, "Update", PhysicalResourceId="Check-1"), None)
    (found,) = received
    assert (found["Status"], found["PhysicalResourceId"], found["content-type"]) == (status, "Check-1", "")
    assert message in found["Reason"]
    assert client.asked[0]["FunctionName"] == VERSION
    assert json.loads(client.asked[0]["Payload"])["rawPath"] == "/healthz"


@pytest.mark.parametrize(
    ("refusals", "status", "asked"),
    [
        (["AccessDeniedException", "ResourceConflictException"], "SUCCESS", 3),
        (["TooManyRequestsException"] * 2, "SUCCESS", 3),
        (["TooManyRequestsException"] * 99, "SUCCESS", 5),
        (["SnapStartNotReadyException"] * 20, "SUCCESS", 21),
        (["SnapStartNotReadyException"] * 99, "FAILED", 30),
        (["AccessDeniedException"] * 9, "FAILED", 5),
        (["ServiceException"], "FAILED", 1),
    ],
)
def test_a_permission_that_is_not_there_yet_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
    responses: tuple[str, list[dict[str, Any]]],
    refusals: list[str],
    status: str,
    asked: int,
) -> None:
    url, received = responses
    client, waited = Lambda(payload({"statusCode": 200})), list[float]()
    client.refusals = refusals
    monkeypatch.setattr(boto3, "client", lambda _: client)
    monkeypatch.setattr("version_check.handler.time", SimpleNamespace(sleep=waited.append))
    check.handler(request(url, "Create"), None)
    assert (received[0]["Status"], len(client.asked)) == (status, asked)
    assert len(waited) == asked - 1
    assert sum(waited) < 180


FUNCTION = VERSION.rpartition(":")[0]


@pytest.mark.parametrize(
    ("kind", "old", "checked"),
    [
        ("Create", None, True),
        ("Update", f"{FUNCTION}:6", True),
        ("Update", f"{FUNCTION}:8", False),  # a rollback
        ("Update", VERSION, False),
        ("Update", "arn:aws:lambda:us-east-1:111122223333:function:other:8", True),
        ("Update", f"{FUNCTION}:$LATEST", True),
    ],
)
def test_only_a_new_version_is_checked(
    monkeypatch: pytest.MonkeyPatch,
    responses: tuple[str, list[dict[str, Any]]],
    kind: str,
    old: str | None,
    checked: bool,
) -> None:
    url, received = responses
    client = Lambda(payload({"statusCode": 500}))
    monkeypatch.setattr(boto3, "client", lambda _: client)
    check.handler(request(url, kind, **({"OldResourceProperties": {"Version": old}} if old else {})), None)
    assert (received[0]["Status"], len(client.asked)) == (("FAILED", 1) if checked else ("SUCCESS", 0))


def test_a_throttled_check_warns(
    monkeypatch: pytest.MonkeyPatch,
    responses: tuple[str, list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, received = responses
    client = Lambda(payload({"statusCode": 200}))
    client.refusals = ["TooManyRequestsException"] * 99
    monkeypatch.setattr(boto3, "client", lambda _: client)
    monkeypatch.setattr("version_check.handler.time", SimpleNamespace(sleep=lambda _: None))
    check.handler(request(url, "Update"), None)
    assert received[0]["Status"] == "SUCCESS"
    assert json.loads(capsys.readouterr().out)["level"] == "WARNING"


def test_a_deletion_asks_nobody(monkeypatch: pytest.MonkeyPatch, responses: tuple[str, list[dict[str, Any]]]) -> None:
    url, received = responses
    client = Lambda(RuntimeError())
    monkeypatch.setattr(boto3, "client", lambda _: client)
    check.handler(request(url, "Delete"), None)
    assert (received[0]["Status"], client.asked) == ("SUCCESS", [])


def test_a_reason_is_bounded(monkeypatch: pytest.MonkeyPatch, responses: tuple[str, list[dict[str, Any]]]) -> None:
    url, received = responses
    endless = payload({"errorType": "E", "errorMessage": "x" * 9000}, FunctionError="Unhandled")
    monkeypatch.setattr(boto3, "client", lambda _: Lambda(endless))
    check.handler(request(url, "Create"), None)
    assert len(received[0]["Reason"]) == 1000
    assert received[0]["PhysicalResourceId"] == "Check"
