"""Every code that the proxy, API Gateway or AWS can return has the class that says what a caller may do."""

import json
from typing import Any

import pytest

from endpointctl.refused import (
    Asleep,
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
    refusal,
)
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.results import opened
from endpointctl.sweep.run import pending, run
from proxy.errors import RETRY_AFTER_SECONDS, STATUS
from tests.unit.endpointctl.http_server import HttpServer
from tests.unit.endpointctl.test_client import client
from tests.unit.endpointctl.test_generate import exit_code

KINDS: dict[str, type[Refused]] = {
    "malformed_request": WrongRequest,
    "invalid_json": WrongRequest,
    "invalid_field": WrongRequest,
    "model_refused": WrongRequest,
    "unknown_variant": WrongRequest,
    "not_found": WrongRequest,
    "model_not_found": WrongRequest,
    "method_not_allowed": WrongRequest,
    "request_too_large": WrongRequest,
    "unsupported_media_type": WrongRequest,
    "throttled": Throttled,
    "internal_error": Refused,
    "access_denied": NotAllowed,
    "model_failed": Refused,
    "sagemaker_failed": SageMakerFailed,
    "partial_generations": MayHaveRun,
    "bad_answer": BadAnswer,
    "answer_too_large": MayHaveRun,
    "endpoint_unavailable": EndpointAway,
    "asleep": Asleep,
    "not_ready": Unavailable,
    "unavailable": Unavailable,
    "timed_out": TimedOut,
    "connection_lost": TimedOut,
    "proxy_failed": MayHaveRun,
}
UNKNOWN_END: list[tuple[int, Any]] = [
    *((status, {"message": "m", "code": "api_gateway_error"}) for status in (500, 502, 503, 504)),
    *((status, body) for status in (502, 503) for body in ({"message": "m"}, "<html>", None)),
    (424, {"message": "m", "code": "partial_generations"}),
    (424, {"message": "m", "code": "answer_too_large"}),
    (424, {"message": "m", "code": "a code of a later version"}),
]


def test_every_code_of_the_proxy_has_its_class() -> None:
    found = {code: type(refusal(status, {"code": code}, {})) for code, status in STATUS.items()}
    assert found == KINDS


def test_only_the_codes_with_which_the_model_never_ran_may_be_tried_again() -> None:
    # A sleeping model takes minutes to wake: a sweep that waited for one that nobody wakes would stand still.
    assert {code for code, kind in KINDS.items() if kind.may_be_tried_again} == set(RETRY_AFTER_SECONDS) - {"asleep"}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_field", WrongRequest),
        (403, "refused", NotAllowed),
        (413, "request_too_large", WrongRequest),
        (429, "throttled", Throttled),
        (429, "quota_exceeded", QuotaExceeded),
        (504, "timed_out", TimedOut),
    ],
)
def test_codes_of_api_gateway(status: int, code: str, kind: type[Refused]) -> None:
    assert type(refusal(status, {"code": code}, {})) is kind


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("0", 0.0), ("", None), ("²", None), ("-1", None), ("Wed, 21 Oct 2026", None)]
)
def test_the_seconds_that_a_response_asks_to_wait(text: str, seconds: float | None) -> None:
    assert refusal(429, {}, {"Retry-After": text}).retry_after == seconds


@pytest.mark.parametrize(("status", "body"), UNKNOWN_END)
def test_what_may_have_run_is_sent_once(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, status: int, body: Any
) -> None:
    server.responses = [(status, {"Retry-After": "0"}, json.dumps(body).encode())]
    with pytest.raises(MayHaveRun):
        client().generate("p")
    assert len(server.requests) == 1
    plan = Plan("dev", {}, {"1": "p"})
    with opened(tmp_path / "r.jsonl", plan) as (results, earlier):
        progress = run(plan, pending(plan, earlier), client(attempts=1).generate, results, at_once=1)
    assert (progress.failed, len(server.requests)) == (1, 2)
    assert exit_code(monkeypatch, "generate", "hello") == 5
