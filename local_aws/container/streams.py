"""Streamed answers: JSON objects, one a line, in parts that can end in the middle of an object.

Source: how the cohere and cohere-aws SDKs read streams. The real container sends an object when a token is ready; this
one has all tokens before it sends the first. Every third object is sent in two parts, because a part of SageMaker's
stream can end anywhere and clients must accept that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from local_aws.container.generation import Generation

_CUT = 3


def generate(answer: dict[str, Any], generations: Sequence[Generation]) -> Iterator[bytes]:
    """Yield the objects of a generate answer: each token with the index of its generation, and the answer at the end.

    Args:
        answer: the whole answer.
        generations: its generations; the stream's finish reason is that of the first.

    """
    objects = [
        {"text": text, "index": index, "is_finished": False}
        for index, generation in enumerate(generations)
        for text in generation.pieces()
    ]
    last = {"is_finished": True, "finish_reason": generations[0].finish_reason, "response": answer}
    return _parts([*objects, last])


def chat(answer: dict[str, Any], generation: Generation) -> Iterator[bytes]:
    """Yield the events of a chat answer: the start, each token, and the end with the answer."""
    start = {"event_type": "stream-start", "generation_id": answer["generation_id"], "is_finished": False}
    texts = [{"event_type": "text-generation", "text": text, "is_finished": False} for text in generation.pieces()]
    end = {
        "event_type": "stream-end",
        "finish_reason": answer["finish_reason"],
        "is_finished": True,
        "response": answer,
    }
    return _parts([start, *texts, end])


def _parts(objects: list[dict[str, Any]]) -> Iterator[bytes]:
    for number, one in enumerate(objects):
        line = json.dumps(one).encode() + b"\n"
        middle = len(line) // 2 if number % _CUT == _CUT - 1 else len(line)
        yield line[:middle]
        if line[middle:]:
            yield line[middle:]
