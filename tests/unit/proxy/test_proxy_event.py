"""The events of both front doors: one route, JSON only, of bounded size; and whatever else Lambda may hand over."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .function import Function, Upstream, answer, event, fresh_handler, rest_event

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


FRONT_DOORS = pytest.mark.parametrize("make_event", [event, rest_event], ids=["url", "rest"])
EventMaker = Callable[..., dict[str, Any]]


@FRONT_DOORS
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
        (
            {"headers": {"content-type": "application/json", "X-Target-Variant": "no variant"}},
            400,
            "unknown_variant",
        ),
    ],
)
def test_a_wrong_request(
    function: Function, upstream: Upstream, make_event: EventMaker, changes: dict[str, Any], status: int, code: str
) -> None:
    found, headers, body = function.call(make_event(**{"body": BODY, **changes}))
    assert (found, body["code"], body["id"]) == (status, code, "request-1")
    assert body["message"]
    assert upstream.requests == []
    assert headers.get("allow") == ("POST" if status == 405 else None)


@FRONT_DOORS
@pytest.mark.parametrize("change", [{"requestContext": None}, {"headers": ["x"]}, {"requestContext": {"http": None}}])
def test_what_is_no_event_of_its_door(function: Function, make_event: EventMaker, change: dict[str, Any]) -> None:
    status, _, body = function.call({**make_event(BODY), **change})
    assert (status, body["code"]) == (400, "malformed_request")


def through_both(function: Function, body: Any, **changes: Any) -> tuple[Any, Any]:
    """Return what each make_event's event is answered."""
    return function.call(event(body, **changes)), function.call(rest_event(body, **changes))


texts = st.text() | st.text(alphabet=st.characters(codec=None, categories=["Cs", "Ll", "Nd"]))
headers = st.dictionaries(
    st.sampled_from(["content-type", "Content-Type", "X-TARGET-VARIANT", "origin"]) | st.text(),
    st.sampled_from(["application/json", "Application/JSON; charset=utf-8", "text/plain", "Newer"]) | st.text(),
)
bodies = (
    st.none()
    | texts
    | st.builds(json.dumps, st.dictionaries(st.sampled_from(["prompt", "k", "seed"]), st.integers() | texts))
)
deep = st.integers(1, 3000).map(
    lambda depth: '{"prompt": "p", "logit_bias": ' + '{"a": ' * depth + "1" + "}" * depth + "}"
)
huge = st.sampled_from(['{"prompt": "p", "seed": ' + "9" * size + "}" for size in (18, 19, 40, 400, 4000)])
twice = st.sampled_from(['{"prompt": "a", "prompt": "b"}', '{"prompt": "a", "k": 1, "k": 1}'])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(
    headers=headers,
    body=bodies | deep | huge | twice,
    path=st.sampled_from(["/v1/generate", "/healthz", "/"]),
    method=st.sampled_from(["POST", "GET", "PUT"]),
    encoded=st.booleans(),
)
def test_the_same_request_through_both_doors_has_the_same_answer(
    function: Function, headers: dict[str, str], body: str | None, path: str, method: str, encoded: bool
) -> None:
    if encoded and body is not None:
        body = base64.b64encode(body.encode("utf-8", "surrogatepass")).decode()
    changes = {"headers": headers, "path": path, "method": method, "isBase64Encoded": encoded}
    url, rest = through_both(function, body, **changes)
    assert url == rest
    assert url[0] in (200, 400, 404, 405, 413, 415)
    assert "internal_error" not in json.dumps(url)


def test_the_greedy_resource_has_the_path_in_its_parameter(function: Function) -> None:
    """Behind a domain of one's own, ``path`` begins with the domain's base path."""

    def through_greedy(path: str, method: str) -> tuple[int, Any]:
        greedy = {"resource": "/{proxy+}", "path": f"/llm/{path}", "pathParameters": {"proxy": path}}
        status, _, body = function.call({**rest_event(None, method=method), **greedy})
        return status, body.get("code", body)

    assert through_greedy("healthz", "GET") == (200, {"status": "ok"})
    assert through_greedy("v1/other", "POST") == (404, "not_found")
    assert through_greedy("v1/generate", "GET") == (405, "method_not_allowed")
    broken = {**rest_event(None, method="GET"), "resource": "/{proxy+}", "pathParameters": None}
    assert function.call(broken)[2]["code"] == "malformed_request"


def test_the_doors_clock_is_part_of_the_deadline(
    function: Function, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A REST API gives up after 29 s, whatever of them Lambda took for itself."""
    monkeypatch.setenv("FRONT_DOOR_SECONDS", "29")
    function = Function(fresh_handler(monkeypatch).handler)
    request = rest_event(BODY)

    def came(seconds_ago: float) -> dict[str, Any]:
        return {**request, "requestContext": {"requestTimeEpoch": int((time.time() - seconds_ago) * 1000)}}

    assert function.call(came(0))[0] == 200
    assert function.call(came(-100))[0] == 200, "its clock may be ahead"
    assert len(upstream.requests) == 2
    assert function.call(came(28.5))[2]["code"] == "timed_out"
    assert len(upstream.requests) == 2, "nobody would get the answer: nothing is sent"


def test_only_named_origins_may_read_the_answer(function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    def allowed(origin: str) -> tuple[str | None, str | None]:
        headers = {"content-type": "application/json", "Origin": origin}
        found = function.call(rest_event(BODY, headers=headers))[1]
        return found.get("access-control-allow-origin"), found.get("vary")

    assert allowed("https://a.test") == (None, None)
    monkeypatch.setenv("CORS_ORIGINS", "https://a.test https://b.test")
    function = Function(fresh_handler(monkeypatch).handler)
    assert allowed("https://a.test") == ("https://a.test", "origin")
    assert allowed("https://b.test") == ("https://b.test", "origin")
    assert allowed("https://c.test") == (None, None)
    assert allowed("") == (None, None)


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
