"""The stand-in behind a chat package: chat v1, as far as it goes, and nothing that looks as if it worked."""

import json
from typing import Any

import pytest

from local_aws.container import Container

CONTAINER = Container.from_settings(None, None)


def ask(api: str = "chat", **fields: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"message": "Write a LinkedIn post about starting a career in tech:", **fields}).encode()
    status, _, answer = CONTAINER.handle(body, "application/json", api)
    return status, json.loads(answer)


def test_the_answers_shape() -> None:
    before = [{"role": "USER", "message": "hi"}]
    status, answer = ask(max_tokens=12, chat_history=before)
    assert status == 200
    assert set(answer) == {"response_id", "generation_id", "text", "chat_history", "finish_reason", "meta"}
    assert answer["chat_history"][0] == before[0]
    assert answer["chat_history"][-1] == {"role": "CHATBOT", "message": answer["text"]}
    assert answer["finish_reason"] == "MAX_TOKENS"
    assert answer["meta"]["tokens"]["output_tokens"] == 12


def test_temperature_0_repeats_itself_and_a_stop_sequence_ends_it() -> None:
    assert ask(temperature=0)[1]["text"] == ask(temperature=0)[1]["text"]
    stopped = ask(temperature=0, stop_sequences=["."])[1]
    assert (stopped["text"][-1], stopped["finish_reason"]) == (".", "COMPLETE")


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"message": ""}, 400, "message must be at least 1 token long"),
        ({"message": 1}, 400, "message must be"),
        ({"temperature": 1.1}, 400, "temperature must be between 0 and 1.0 inclusive"),
        ({"max_tokens": "9"}, 422, "max_tokens must be an integer"),
        ({"chat_history": "hi"}, 422, "chat_history must be a list"),
        ({"documents": [{"a": "b"}]}, 400, "has no documents"),
    ],
)
def test_what_it_refuses(fields: dict[str, Any], status: int, message: str) -> None:
    found, answer = ask(**fields)
    assert found == status
    assert message in answer["message"]


def test_an_api_that_is_not_implemented() -> None:
    status, answer = ask("summarize")
    assert (status, answer) == (501, {"message": "the stand-in for the container does not implement summarize"})
