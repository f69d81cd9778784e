"""The client: signed for the API that it calls, patient when that can help, clear when refused."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.credentials import Credentials

from endpointctl.client import Client, EndpointClient
from endpointctl.failure import Failure, Lost, Unreachable
from endpointctl.refused import (
    BadAnswer,
    EndpointAway,
    MayHaveRun,
    NotAllowed,
    QuotaExceeded,
    Refused,
    SageMakerFailed,
    Throttled,
    TimedOut,
    Unavailable,
    WrongRequest,
)
from tests.unit.endpointctl.http_server import GOOD, HttpServer, Response

FUNCTION = "https://abc.lambda-url.us-east-1.on.aws/"
REST = "https://abc.execute-api.us-east-1.amazonaws.com/live/"


def client(url: str = FUNCTION, **options: Any) -> Client:
    return Client(url, Credentials("AKIDEXAMPLE", "secret"), "us-east-1", **options)


@pytest.mark.parametrize(
    ("url", "path", "service"),
    [
        (FUNCTION, "/v1/generate", "lambda"),
        (REST, "/live/v1/generate", "execute-api"),
        ("https://llm.example.com/", "/v1/generate", "execute-api"),
    ],
)
def test_requests_are_signed_for_the_api_wherever_they_are_sent(
    server: HttpServer, url: str, path: str, service: str
) -> None:
    completion = client(url).generate("p", max_tokens=5, seed=None)
    assert (completion.texts, completion.tokens) == (["hi"], None)
    requested, headers, body = server.requests[0]
    assert (requested, body) == (path, {"prompt": "p", "max_tokens": 5})
    assert headers["Host"] == url.split("/")[2]
    assert f"/us-east-1/{service}/aws4_request" in headers["Authorization"]
    assert "host" in headers["Authorization"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (
            400,
            {"message": "p: must be", "id": "1", "code": "invalid_field"},
            WrongRequest,
            "HTTP 400 [invalid_field]: p",
        ),
        (400, {"message": "too long", "id": "1", "code": "model_refused"}, WrongRequest, "HTTP 400 [model_refused]"),
        (403, {"Message": "Forbidden"}, NotAllowed, "HTTP 403: Forbidden"),
        (429, {"message": "m", "id": "1", "code": "quota_exceeded"}, QuotaExceeded, "HTTP 429 [quota_exceeded]"),
        (500, {"message": "m", "id": "1", "code": "access_denied"}, NotAllowed, "HTTP 500 [access_denied]"),
        (500, {"message": "m", "id": "1", "code": "internal_error"}, Refused, "HTTP 500 [internal_error]"),
        (502, {"message": "m", "id": "1", "code": "endpoint_unavailable"}, EndpointAway, "HTTP 502"),
        (502, {"message": "m", "id": "1", "code": "bad_answer"}, BadAnswer, "HTTP 502 [bad_answer]: m"),
        (504, {"message": "m", "id": "1", "code": "timed_out"}, TimedOut, "HTTP 504 [timed_out]"),
        (504, {"message": "m", "id": "1", "code": "connection_lost"}, TimedOut, "HTTP 504 [connection_lost]"),
        (502, {"message": "m", "code": "sagemaker_failed"}, SageMakerFailed, "HTTP 502 [sagemaker_failed]"),
        # The code decides, whatever the status is.
        (503, {"message": "m", "code": "sagemaker_failed"}, SageMakerFailed, "HTTP 503 [sagemaker_failed]"),
        (503, {"message": "m", "code": "connection_lost"}, TimedOut, "HTTP 503 [connection_lost]"),
        (401, {"message": "m", "code": "unauthorized", "error": {}}, NotAllowed, "HTTP 401 [unauthorized]: m"),
        (424, {"message": "m", "code": "api_gateway_error", "error": {}}, MayHaveRun, "HTTP 424 [api_gateway_error]"),
        (424, "Failed", MayHaveRun, "HTTP 424: Failed"),
        (502, "Bad Gateway", MayHaveRun, "HTTP 502: Bad Gateway"),
        (502, "<html>\n<h1>Bad\n\tGateway</h1>", MayHaveRun, "HTTP 502: <html> <h1>Bad Gateway</h1>"),
        (500, [], Refused, "HTTP 500: []"),
    ],
)
def test_an_error_is_sent_once_and_has_its_class(
    server: HttpServer, status: int, body: Any, kind: type[Refused], message: str
) -> None:
    server.responses = [(status, {}, body.encode() if isinstance(body, str) else json.dumps(body).encode())]
    with pytest.raises(kind) as caught:
        client().generate("p")
    assert type(caught.value) is kind
    assert (caught.value.status, len(server.requests)) == (status, 1)
    assert caught.value.reason.startswith(message)


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("variant", ["日本", "é", "a\nb", "a b", "-a", "a-", "a" * 64, f"a{'-' * 62}b"])
def test_a_variant_that_none_can_be_called_is_not_sent(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, variant: str, direct: bool
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    called = EndpointClient("cohere-x", "us-east-1") if direct else client()
    with pytest.raises(Failure, match=r"^variant '.*': .* allowed: 1 to 63 ") as caught:
        called.generate("p", variant=variant)
    assert type(caught.value) is Failure
    assert "\n" not in caught.value.reason
    assert server.requests == []


@pytest.mark.parametrize("variant", ["A", "All-Traffic--2", "a" * 63])
def test_a_variant_that_can_be_one_is_sent(server: HttpServer, variant: str) -> None:
    client().generate("p", variant=variant)
    assert server.requests[0][1]["X-Target-Variant"] == variant


def test_each_request_has_a_connection_of_its_own(server: HttpServer) -> None:
    """A server may close one that is idle just when the next request is sent on it."""
    one = client()
    assert [one.generate("p").texts for _ in range(20)] == [["hi"]] * 20
    assert {headers["Connection"] for _path, headers, _body in server.requests} == {"close"}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, "throttled", Throttled),
        (503, "not_ready", Unavailable),
        (503, "unavailable", Unavailable),
        (429, "", Throttled),
    ],
)
def test_a_busy_endpoint_is_tried_again_after_the_time_that_it_names(
    server: HttpServer, pauses: list[float], status: int, code: str, kind: type[Refused]
) -> None:
    busy: Response = (status, {"Retry-After": "7"}, json.dumps({"message": "m", "code": code}).encode())
    server.responses = [busy, busy, (200, {}, GOOD)]
    assert client().generate("p").attempts == 3
    assert len(pauses) == 2
    assert all(7 <= seconds <= 7 * 1.25 for seconds in pauses)
    server.requests.clear()
    server.responses = [busy]
    with pytest.raises(kind) as caught:
        client(attempts=2).generate("p")
    assert (caught.value.retry_after, len(server.requests)) == (7.0, 2)


def test_ten_at_once_take_as_long_as_one(server: HttpServer) -> None:
    server.seconds = 0.3
    shared = client(at_once=10)
    began = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        assert len(list(pool.map(lambda number: shared.generate("p", seed=number).texts, range(10)))) == 10
    assert time.monotonic() - began < 2.9, "one after another they take 3 s"
    assert {body["seed"] for _, _, body in server.requests} == set(range(10))


def test_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1"):
        client().generate("p")


def test_a_connection_that_breaks_is_lost_and_nothing_is_sent_again(server: HttpServer) -> None:
    server.hangs_up = True
    with pytest.raises(Lost):
        client().generate("p")
    assert len(server.requests) == 1


@pytest.mark.parametrize("length", range(len(GOOD)))
def test_a_response_that_is_cut_is_lost(server: HttpServer, length: int) -> None:
    server.responses = [(200, {"Content-Length": str(len(GOOD))}, GOOD[:length])]
    with pytest.raises(Lost):
        client().generate("p")
    assert len(server.requests) == 1
