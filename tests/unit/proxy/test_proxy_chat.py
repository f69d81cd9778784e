"""In front of a chat container: generate requests become chat requests, and their answers generations."""

import json
import threading
from typing import Any

import pytest

from .conftest import Function, Upstream, answer, fresh_handler

CHAT = {"text": "a chat answer", "generation_id": "g-1", "finish_reason": "COMPLETE", "response_id": "r-1"}


@pytest.fixture
def chat(function: Function, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Function:
    """The function as it is deployed in front of a chat package."""
    monkeypatch.setenv("API", "chat")
    upstream.behave = answer(200, CHAT)
    return Function(fresh_handler(monkeypatch).handler)


def sent(upstream: Upstream) -> list[dict[str, Any]]:
    return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in upstream.requests]


def test_a_request_and_its_answer(chat: Function, upstream: Upstream) -> None:
    wanted = {"max_tokens": 9, "temperature": 0.5, "k": 3, "p": 0.7, "stop_sequences": ["."], "seed": 4}
    status, _, body = chat.post({"prompt": "hello", **wanted, "return_likelihoods": "NONE", "truncate": "NONE"})
    assert status == 200
    assert sent(upstream) == [{"message": "hello", **wanted}]
    generation = {"text": "a chat answer", "id": "g-1", "finish_reason": "COMPLETE"}
    assert body == {"id": "g-1", "generations": [generation], "prompt": "hello"}


def test_each_generation_is_a_request_of_its_own_and_has_its_own_seed(chat: Function, upstream: Upstream) -> None:
    status, _, body = chat.post({"prompt": "hello", "num_generations": 3, "seed": 10})
    assert (status, len(body["generations"])) == (200, 3)
    assert sorted(one["seed"] for one in sent(upstream)) == [10, 11, 12]
    assert "num_generations" not in sent(upstream)[0]


def test_several_generations_that_fail_are_one_error(chat: Function, upstream: Upstream) -> None:
    failed = threading.Event()

    def one_fails(connection: Any, request: bytes) -> None:
        behaviour = answer(200, CHAT) if failed.is_set() else answer(503, {"Message": ""}, error="ServiceUnavailable")
        failed.set()
        behaviour(connection, request)

    upstream.behave = one_fails
    status, headers, body = chat.post({"prompt": "hello", "num_generations": 2})
    assert (status, body["code"], headers["retry-after"]) == (503, "unavailable", "5")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("end_sequences", ["."]),
        ("logit_bias", {"1": 2}),
        ("return_likelihoods", "GENERATION"),
        ("truncate", "END"),
        ("temperature", 1.5),
        ("max_tokens", 0),
    ],
)
def test_what_chat_has_no_counterpart_for_is_refused_by_name(
    chat: Function, upstream: Upstream, field: str, value: Any
) -> None:
    more = {"return_likelihoods": "ALL"} if field == "max_tokens" else {}
    status, _, body = chat.post({"prompt": "hello", field: value, **more})
    assert (status, body["code"]) == (400, "invalid_field")
    assert body["message"].split(":")[0] in (field, *more)
    assert "the model answers chat" in body["message"]
    assert upstream.requests == []


@pytest.mark.parametrize("content", [b"[]", b'{"generations": []}', b'{"text": 1}', b'{"text": null}', b"no", b"\xff"])
def test_an_answer_that_is_no_chat_answer(chat: Function, upstream: Upstream, content: bytes) -> None:
    upstream.behave = answer(200, content)
    assert chat.post({"prompt": "hello"})[2]["code"] == "bad_answer"
