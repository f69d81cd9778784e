"""Direct mode: SageMaker is called itself, once, and its errors have the proxy's codes."""

import json

import pytest

from endpointctl.aws_check import Account
from endpointctl.client import Client, EndpointClient
from endpointctl.failure import Failure, Lost, Unreachable
from endpointctl.refused import (
    EndpointAway,
    NotAllowed,
    Refused,
    SageMakerFailed,
    Throttled,
    TimedOut,
    Unavailable,
    WrongRequest,
)
from stacks import settings
from tests.unit.endpointctl.http_server import GOOD, HttpServer


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")


def test_the_endpoint_is_invoked(server: HttpServer) -> None:
    assert EndpointClient("cohere-x", "us-east-1").generate("p", k=3).generations[0].text == "hi"
    path, _, body = server.requests[0]
    assert (path, body) == ("/endpoints/cohere-x/invocations", {"prompt": "p", "k": 3})


@pytest.mark.parametrize(
    ("status", "error", "kind", "code"),
    [
        (400, "ThrottlingException", Throttled, "throttled"),
        (400, "ValidationError", EndpointAway, "endpoint_unavailable"),
        (400, "ExpiredTokenException", NotAllowed, "access_denied"),
        (403, "InvalidSignatureException", NotAllowed, "access_denied"),
        (429, "ModelNotReadyException", Unavailable, "not_ready"),
        (500, "InternalFailure", SageMakerFailed, "sagemaker_failed"),
        (503, "ServiceUnavailable", SageMakerFailed, "sagemaker_failed"),
        (530, "InternalDependencyException", SageMakerFailed, "sagemaker_failed"),
        (502, "SomethingNew", SageMakerFailed, "sagemaker_failed"),
    ],
)
def test_sagemakers_errors(server: HttpServer, status: int, error: str, kind: type[Refused], code: str) -> None:
    server.responses = [(status, {"x-amzn-ErrorType": error}, b'{"message": "m"}')]
    with pytest.raises(Refused) as caught:
        EndpointClient("cohere-x", "us-east-1").generate("p")
    assert (type(caught.value), caught.value.code, len(server.requests)) == (kind, code, 1)


def test_only_what_did_not_run_may_be_tried_again() -> None:
    assert [kind for kind in (Throttled, Unavailable, SageMakerFailed, TimedOut) if kind.may_be_tried_again] == [
        Throttled,
        Unavailable,
    ]


@pytest.mark.parametrize(
    ("container", "kind"),
    [(400, WrongRequest), (413, WrongRequest), (422, WrongRequest), (429, Throttled), (0, TimedOut), (500, Refused)],
)
def test_the_containers_errors(server: HttpServer, container: int, kind: type[Refused]) -> None:
    body = json.dumps({"Message": "m", "OriginalStatusCode": container, "OriginalMessage": "{}"}).encode()
    server.responses = [(424, {"x-amzn-ErrorType": "ModelError"}, body)]
    with pytest.raises(Refused) as caught:
        EndpointClient("cohere-x", "us-east-1").generate("p")
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("variant", "message", "kind", "code"),
    [
        ("typo", "Variant typo not found for Request", WrongRequest, "unknown_variant"),
        ("typo", "Endpoint cohere-x of account 1 not found.", EndpointAway, "endpoint_unavailable"),
        (None, "Variant AllTraffic not found for Request", EndpointAway, "endpoint_unavailable"),
    ],
)
def test_a_variant_that_the_endpoint_does_not_have(
    server: HttpServer, variant: str | None, message: str, kind: type[Refused], code: str
) -> None:
    body = json.dumps({"message": message}).encode()
    server.responses = [(400, {"x-amzn-ErrorType": "ValidationError"}, body)]
    with pytest.raises(Refused) as caught:
        EndpointClient("cohere-x", "us-east-1").generate("p", variant=variant)
    assert (type(caught.value), caught.value.code) == (kind, code)


def test_a_profile_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(Failure, match=r"\(nobody\) could not be found: choose one of"):
        EndpointClient("cohere-x", "us-east-1")
    with pytest.raises(Failure, match=r"\(nobody\) could not be found: choose one of"):
        Account.of(settings.read("local"))


def test_connections_that_break(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = EndpointClient("cohere-x", "us-east-1")
    server.responses = [(200, {"Content-Length": str(len(GOOD))}, GOOD[:-3])]
    with pytest.raises(Lost):
        endpoint.generate("p")
    server.hangs_up = True
    with pytest.raises(Lost):
        endpoint.generate("p")
    assert len(server.requests) == 2
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Unreachable):
        EndpointClient("cohere-x", "us-east-1").generate("p")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with pytest.raises(Unreachable):
        EndpointClient("cohere-x", "us-east-1").generate("p")


def test_direct_mode_is_for_packages_that_answer_generate() -> None:
    with pytest.raises(Failure, match="--direct"):
        Client.direct("prod")
