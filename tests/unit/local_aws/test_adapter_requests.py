"""What the local cloud's stand-in for the Lambda Web Adapter sends and returns, as the adapter's source says."""

import base64
import json
from typing import Any

import pytest

from local_aws.server.front_doors.adapter_requests import (
    END_OF_PRELUDE,
    buffered_answer,
    head_of,
    request_of,
    streamed_answer,
    trailer,
)
from local_aws.server.front_doors.response_stream import Head

CONTEXT = {"request_id": "r", "deadline": 1}


def url_event(**changes: Any) -> dict[str, Any]:
    return {
        "rawPath": "/v1/generate",
        "rawQueryString": "a=b&c=%20",
        "headers": {"Host": "h", "Connection": "close", "X-Amzn-Lambda-Context": "forged", "content-length": "99"},
        "requestContext": {"http": {"method": "POST"}, "authorizer": {"iam": {"userArn": "ä"}}},
        "body": "hellö",
        "isBase64Encoded": False,
        **changes,
    }


def test_an_event_of_a_function_url() -> None:
    request = request_of(url_event(), CONTEXT)
    assert (request.method, request.target, request.body) == ("POST", "/v1/generate?a=b&c=%20", "hellö".encode())
    assert json.loads(request.headers.pop("x-amzn-request-context")) == url_event()["requestContext"]
    assert json.loads(request.headers.pop("x-amzn-lambda-context")) == CONTEXT
    assert request.headers == {"host": "h", "content-length": "6"}


def test_an_event_of_a_rest_api() -> None:
    event = {
        "httpMethod": "POST",
        "path": "/v1/models/a b",
        "resource": "/{proxy+}",
        "multiValueQueryStringParameters": {"a": ["1", "2"]},
        "headers": None,
        "requestContext": {"resourcePath": "/{proxy+}", "stage": "live"},
        "body": base64.b64encode(b"\xff").decode(),
        "isBase64Encoded": True,
    }
    request = request_of(event, CONTEXT)
    assert (request.method, request.target, request.body) == ("POST", "/v1/models/a%20b?a=1&a=2", b"\xff")
    assert json.loads(request.headers["x-amzn-request-context"])["stage"] == "live"


@pytest.mark.parametrize("event", [{"a": 1}, {"requestContext": None}, {"requestContext": {"elb": 1}}])
def test_any_other_event_goes_to_a_path_of_its_own(event: dict[str, Any]) -> None:
    request = request_of(event, CONTEXT)
    assert (request.method, request.target, json.loads(request.body)) == ("POST", "/events", event)
    assert request.headers["x-amzn-request-context"] == "null"


def test_no_body() -> None:
    assert request_of(url_event(body=None), CONTEXT).body == b""


def test_the_head_of_a_response() -> None:
    sent = [("Content-Type", "text/plain"), ("Transfer-Encoding", "chunked"), ("Set-Cookie", "a"), ("set-cookie", "b")]
    assert head_of(201, sent) == Head(201, {"content-type": "text/plain", "set-cookie": ["a", "b"]})
    assert head_of(200, [("connection", "close")]).headers == {"content-type": "application/octet-stream"}


def test_the_answer_of_an_adapter_that_streams() -> None:
    head = Head(200, {"content-type": "text/plain", "set-cookie": ["a"]})
    prelude, separator, body = streamed_answer(head, b"x\0y").partition(END_OF_PRELUDE)
    assert json.loads(prelude) == {"statusCode": 200, "headers": {"content-type": "text/plain"}, "cookies": ["a"]}
    assert (separator, body) == (b"\0" * 8, b"x\0y")


@pytest.mark.parametrize(("body", "text", "encoded"), [("ä".encode(), "ä", False), (b"\xff", "/w==", True)])
def test_the_answer_of_an_adapter_that_does_not(body: bytes, text: str, encoded: bool) -> None:
    answer = buffered_answer(Head(200, {"a": "b", "set-cookie": ["c"]}), body)
    assert answer == {"statusCode": 200, "headers": {"a": "b"}, "body": text, "isBase64Encoded": encoded}


def test_a_trailer_is_text_of_the_body() -> None:
    kind, error = trailer("lost").decode().splitlines()
    assert kind == "Lambda-Runtime-Function-Error-Type: Runtime.StreamError"
    assert base64.b64decode(error.partition(": ")[2]) == b"lost"
