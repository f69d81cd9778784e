"""The signature that an httpx client sends is botocore's own."""

import asyncio
import datetime
from typing import Any

import boto3
import botocore.auth
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from examples.signed_requests import SignedRequests

NOW = datetime.datetime(2026, 11, 25, 12, 0, 0)  # noqa: DTZ001 - as botocore has it
REST = "https://abcdef1234.execute-api.us-east-1.amazonaws.com/live"
URL = "https://abcdefgh.lambda-url.us-east-1.on.aws"
DOMAIN = "https://llm.example.com"


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: NOW)


def session(token: str | None = None) -> boto3.Session:
    return boto3.Session("AKIDEXAMPLE", "secret", token, region_name="us-east-1")


def sent(auth: SignedRequests, method: str, url: str, **options: Any) -> httpx.Request:
    """Return the request as it reaches the network."""
    seen: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    headers = {"Authorization": "Bearer unused", **options.pop("headers", {})}
    with httpx.Client(auth=auth, transport=httpx.MockTransport(respond)) as client:
        client.request(method, url, headers=headers, **options)
    return seen[0]


@pytest.mark.parametrize(
    ("url", "service"),
    [(f"{URL}/v2/chat", "lambda"), (f"{REST}/v2/chat", "execute-api"), (f"{DOMAIN}/v2/chat", "execute-api")],
)
@pytest.mark.parametrize("token", [None, "session-token"])
def test_a_post_is_signed_as_botocore_signs_it(url: str, service: str, token: str | None) -> None:
    request = sent(SignedRequests("us-east-1", session(token)), "POST", url, json={"message": "Grüße, 世界"})
    own = AWSRequest("POST", url, {"Content-Type": "application/json"}, request.content)
    SigV4Auth(Credentials("AKIDEXAMPLE", "secret", token), service, "us-east-1").add_auth(own)
    assert f"/us-east-1/{service}/aws4_request" in request.headers["authorization"]
    assert request.headers["authorization"] == own.headers["Authorization"]
    assert request.headers["x-amz-date"] == own.headers["X-Amz-Date"]
    assert request.headers.get("x-amz-security-token") == token
    assert request.headers.get_list("authorization") == [own.headers["Authorization"]], "no bearer header is left"


def test_a_get_with_a_query_is_signed_as_botocore_signs_it() -> None:
    url = f"{REST}/v1/models?endpoint=chat&default_only=true"
    request = sent(SignedRequests("us-east-1", session()), "GET", url)
    own = AWSRequest("GET", url)
    SigV4Auth(Credentials("AKIDEXAMPLE", "secret"), "execute-api", "us-east-1").add_auth(own)
    assert request.headers["authorization"] == own.headers["Authorization"]


def test_a_body_that_is_streamed_is_part_of_the_signature() -> None:
    auth, url = SignedRequests("us-east-1", session()), f"{URL}/v2/chat"
    whole = sent(auth, "POST", url, content=b"ab", headers={"content-type": "application/json"})
    parts = sent(auth, "POST", url, content=iter([b"a", b"b"]), headers={"content-type": "application/json"})
    other = sent(auth, "POST", url, content=b"ac", headers={"content-type": "application/json"})
    assert parts.headers["authorization"] == whole.headers["authorization"] != other.headers["authorization"]


def test_an_asynchronous_client_signs_too() -> None:
    seen: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200)

    async def post() -> None:
        auth = SignedRequests("us-east-1", session())
        async with httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(respond)) as client:
            await client.post(f"{URL}/v2/chat", json={"a": 1}, headers={"Authorization": "Bearer unused"})

    asyncio.run(post())
    expected = sent(SignedRequests("us-east-1", session()), "POST", f"{URL}/v2/chat", json={"a": 1})
    assert seen == [expected.headers["authorization"]]


def test_without_credentials_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = session()
    monkeypatch.setattr(nobody, "get_credentials", lambda: None)
    with pytest.raises(ValueError, match=r"^no AWS credentials; allowed: .*: set AWS_PROFILE"):
        SignedRequests("us-east-1", nobody)
