"""Function URL events: one route, JSON only, of bounded size; and whatever else Lambda may hand over."""

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Function, Upstream, answer, event

BODY = {"prompt": "hello"}


def test_an_answer_is_the_containers_own(function: Function, upstream: Upstream) -> None:
    status, headers, body = function.post(BODY)
    assert (status, body["generations"]) == (200, [{"text": " a good answer"}])
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"] == "request-1"
    head, _, sent = upstream.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /endpoints/cohere-test/invocations ")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(sent) == {**BODY, "max_tokens": 50}


def test_a_target_variant(function: Function, upstream: Upstream) -> None:
    headers = {"content-type": "application/json", "X-Target-Variant": "Newer"}
    assert function.post(BODY, headers=headers)[0] == 200
    head, _, sent = upstream.requests[0].partition(b"\r\n\r\n")
    assert b"x-amzn-sagemaker-target-variant: newer" in head.lower()
    assert json.loads(sent) == {**BODY, "max_tokens": 50}


def test_a_variant_that_is_not_there(function: Function, upstream: Upstream) -> None:
    refusal = {"Message": "Variant Newer not found for Request"}
    upstream.behave = answer(400, refusal, error="ValidationError")
    headers = {"content-type": "application/json", "x-target-variant": "Newer"}
    assert function.post(BODY, headers=headers)[2]["code"] == "unknown_variant"
    assert function.post(BODY)[2]["code"] == "endpoint_unavailable"


def test_its_health_is_told_without_the_model(function: Function, upstream: Upstream) -> None:
    status, headers, body = function.call(event(None, path="/healthz", method="GET"))
    assert (status, body, headers["cache-control"]) == (200, {"status": "ok"}, "no-store")
    status, headers, body = function.call(event(BODY, path="/healthz"))
    assert (status, headers["allow"], body["code"]) == (405, "GET", "method_not_allowed")
    assert upstream.requests == []


def test_base64(function: Function) -> None:
    encoded = base64.b64encode(json.dumps(BODY).encode()).decode()
    assert function.post(encoded, isBase64Encoded=True)[0] == 200
    assert function.post("%%%", isBase64Encoded=True)[2]["code"] == "malformed_request"


def test_charset(function: Function) -> None:
    assert function.post(BODY, content_type="Application/JSON; charset=UTF-8")[0] == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"path": "/"}, 404, "not_found"),
        ({"path": "/v1/generate/"}, 404, "not_found"),
        ({"path": "/v1/chat"}, 404, "not_found"),
        ({"method": "GET"}, 405, "method_not_allowed"),
        ({"content_type": "text/plain"}, 415, "unsupported_media_type"),
        ({"content_type": "application/json; charset=latin-1"}, 415, "unsupported_media_type"),
        ({"headers": None}, 415, "unsupported_media_type"),
        ({"body": None}, 400, "malformed_request"),
        ({"body": ""}, 400, "malformed_request"),
        ({"body": "x" * 5000}, 413, "request_too_large"),
        ({"body": "A" * 8000, "isBase64Encoded": True}, 413, "request_too_large"),
        ({"body": "\ud800"}, 400, "malformed_request"),
        ({"requestContext": None}, 400, "malformed_request"),
        ({"headers": ["x"]}, 400, "malformed_request"),
        (
            {"headers": {"content-type": "application/json", "X-Target-Variant": "no variant"}},
            400,
            "unknown_variant",
        ),
    ],
)
def test_a_wrong_request(
    function: Function, upstream: Upstream, changes: dict[str, Any], status: int, code: str
) -> None:
    found, headers, body = function.call(event(**{"body": BODY, **changes}))
    assert (found, body["code"], body["id"]) == (status, code, "request-1")
    assert body["message"]
    assert upstream.requests == []
    assert headers.get("allow") == ("POST" if status == 405 else None)


def test_the_size_limit_is_exact(function: Function) -> None:
    padding = 4096 - len(json.dumps({"prompt": ""}).encode())
    assert function.post(json.dumps({"prompt": "x" * padding}))[0] == 200
    assert function.post(json.dumps({"prompt": "x" * (padding + 1)}))[0] == 413
    encoded = base64.b64encode(json.dumps({"prompt": "x" * padding}).encode()).decode()
    assert function.post(encoded, isBase64Encoded=True)[0] == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["requestContext", "http", "rawPath"]), inner),
        max_leaves=6,
    )
)
def test_any_event_is_answered(function: Function, junk: Any) -> None:
    status, _, body = function.call(junk)
    assert (status, body["code"]) == (400, "malformed_request")
