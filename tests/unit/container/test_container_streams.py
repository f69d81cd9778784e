"""Streams of generate and chat: whole JSON objects, in parts that do not respect them."""

import json
from typing import Any

import pytest

from local_aws.container import Container

CONTAINER = Container.from_settings(None, None)


def streamed(api: str, **fields: Any) -> tuple[list[bytes], list[dict[str, Any]]]:
    body = json.dumps({"stream": True, "max_tokens": 12, "seed": 3, **fields}).encode()
    status, _, pieces = CONTAINER.stream(body, "application/json", api)
    parts = list(pieces)
    assert status == 200, parts
    return parts, [json.loads(line) for line in b"".join(parts).splitlines()]


def test_generations_come_token_by_token_and_as_a_whole_at_the_end() -> None:
    parts, objects = streamed("generate", prompt="A post", num_generations=2)
    *tokens, last = objects
    assert last["is_finished"]
    assert last["finish_reason"] == "MAX_TOKENS"
    for index, generation in enumerate(last["response"]["generations"]):
        assert "".join(one["text"] for one in tokens if one["index"] == index) == generation["text"]
    assert not any(one["is_finished"] for one in tokens)
    # Some objects span two parts, as they may on SageMaker.
    assert any(not part.endswith(b"\n") for part in parts)


def test_chat_has_events() -> None:
    _, events = streamed("chat", message="A post")
    kinds = [event["event_type"] for event in events]
    assert (kinds[0], set(kinds[1:-1]), kinds[-1]) == ("stream-start", {"text-generation"}, "stream-end")
    assert "".join(event["text"] for event in events[1:-1]) == events[-1]["response"]["text"]


@pytest.mark.parametrize(("api", "field"), [("generate", "prompt"), ("chat", "message")])
def test_what_is_wrong_is_an_answer_and_no_stream(api: str, field: str) -> None:
    status, _, pieces = CONTAINER.stream(json.dumps({"stream": True, field: ""}).encode(), "application/json", api)
    assert status == 400
    assert "message" in json.loads(b"".join(pieces))


def test_who_asks_for_no_stream_gets_one_piece() -> None:
    _, _, pieces = CONTAINER.stream(b'{"prompt": "a", "max_tokens": 2}', "application/json", "generate")
    (whole,) = pieces
    assert set(json.loads(whole)) == {"id", "generations", "prompt"}


def test_the_contexts_of_2023_and_of_2024() -> None:
    long = "word " * 3000
    body = json.dumps({"prompt": long, "truncate": "NONE", "max_tokens": 1}).encode()
    status, _, answer = CONTAINER.handle(body, "application/json", "generate")
    assert (status, "cannot exceed 2048 - received" in json.loads(answer)["message"]) == (400, True)
    body = json.dumps({"message": long, "max_tokens": 1}).encode()
    status, _, answer = CONTAINER.handle(body, "application/json", "chat")
    assert (status, json.loads(answer)["meta"]["tokens"]) == (200, {"input_tokens": 6000 / 2 + 1, "output_tokens": 1})
