"""Streams of generate and chat: JSON objects, one a line."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_aws.container import Container
from local_aws.container.streams import error_event

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
    assert len(parts) == len(objects)


SEEDS = st.integers(0, 10_000)
TEMPERATURES = st.sampled_from([0.3, 1.0, 5.0])


@settings(deadline=None, max_examples=60)
@given(SEEDS, TEMPERATURES)
def test_a_stream_reports_the_sampled_tokens(seed: int, temperature: float) -> None:
    """Joined and split again, neighbours such as "'" and "s" would become one token."""
    fields = {"prompt": "A post", "max_tokens": 40, "seed": seed, "temperature": temperature}
    _, (*events, last) = streamed("generate", **fields, return_likelihoods="GENERATION")
    (generation,) = last["response"]["generations"]
    sampled = [one["token"] for one in generation["token_likelihoods"]]
    assert [event["text"] for event in events] == sampled
    assert len(sampled) == 40
    assert last["finish_reason"] == "MAX_TOKENS"


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.sampled_from([0.3, 1.0]))
def test_a_chat_stream_counts_the_sampled_tokens(seed: int, temperature: float) -> None:
    _, (_, *events, last) = streamed("chat", message="A post", max_tokens=40, seed=seed, temperature=temperature)
    meta = last["response"]["meta"]
    assert len(events) == meta["tokens"]["output_tokens"] == meta["billed_units"]["output_tokens"] == 40
    assert last["finish_reason"] == last["response"]["finish_reason"] == "MAX_TOKENS"


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.sampled_from([{"stop_sequences": ["e", "ou"]}, {"end_sequences": ["e", "ou"]}]))
def test_a_stream_that_a_sequence_cuts_still_joins_to_the_text(seed: int, sequences: dict[str, list[str]]) -> None:
    fields = {"prompt": "A post", "seed": seed, "max_tokens": 400, "temperature": 5, **sequences}
    _, (*events, last) = streamed("generate", **fields)
    assert "".join(event["text"] for event in events) == last["response"]["generations"][0]["text"]
    assert all(event["text"] for event in events)
    assert last["finish_reason"] == "COMPLETE"


def test_chat_has_events() -> None:
    _, events = streamed("chat", message="A post")
    kinds = [event["event_type"] for event in events]
    assert (kinds[0], set(kinds[1:-1]), kinds[-1]) == ("stream-start", {"text-generation"}, "stream-end")
    assert "".join(event["text"] for event in events[1:-1]) == events[-1]["response"]["text"]


@pytest.mark.parametrize(("api", "field"), [("generate", "prompt"), ("chat", "message")])
def test_a_refusal_is_an_answer_and_no_stream(api: str, field: str) -> None:
    status, _, pieces = CONTAINER.stream(json.dumps({"stream": True, field: ""}).encode(), "application/json", api)
    assert status == 400
    assert "message" in json.loads(b"".join(pieces))


@pytest.mark.parametrize("api", ["generate", "chat", "chat_v2"])
def test_a_stream_that_fails_ends_with_an_event_of_its_api(api: str) -> None:
    event = error_event(api, "out of memory")
    finish = event.get("delta", event)
    assert finish["finish_reason"] == "ERROR"
    assert event.get("is_finished", True)


def test_a_request_without_stream_gets_one_piece() -> None:
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
