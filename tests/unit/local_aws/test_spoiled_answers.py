"""Whole answers that are none, do not fit into a response, or do not arrive."""

import json
from typing import Any

from local_aws.faults import FAULTS
from local_aws.server.sagemaker.spoiled_answers import spoiled

ANSWER: dict[str, Any] = {"id": "1", "text": "a", "message": {"content": [{"type": "text", "text": "b"}]}}
CONTENT = json.dumps(ANSWER).encode()


def test_without_such_a_fault_an_answer_stays_as_it_is() -> None:
    for fault in (None, FAULTS["StreamBroken"]):
        assert spoiled(fault, CONTENT) == (CONTENT, len(CONTENT))


def test_an_answer_of_another_kind_is_json() -> None:
    content, length = spoiled(FAULTS["AnswerOfAnotherKind"], CONTENT)
    assert isinstance(json.loads(content), list)
    assert length == len(content)


def test_each_text_of_a_large_answer_is_too_large() -> None:
    found = json.loads(spoiled(FAULTS["AnswerTooLarge"], CONTENT)[0])
    texts = [found["text"], found["message"]["content"][0].pop("text")]
    assert [len(text) > 6 * 1024 * 1024 for text in texts] == [True, True]
    assert (found["id"], found["message"]["content"]) == ("1", [{"type": "text"}])


def test_an_answer_that_is_cut_off_is_shorter_than_its_length() -> None:
    content, length = spoiled(FAULTS["AnswerCutOff"], CONTENT)
    assert (content, length) == (CONTENT, len(CONTENT) + 1)
