"""Answers as streams: JSON objects, one a line, cut into parts that do not respect them.

Source: how the cohere and cohere-aws SDKs read them. The real container sends an object when a token is there; this one
knows them all at once. Every third object is cut in two, because a part may end anywhere, and readers have to bear it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from local_aws.container import tokens

_CUT = 3


def generate(answer: dict[str, Any], finish_reason: str) -> Iterator[bytes]:
    """Yield a generate answer's objects: each token with the index of its generation, and the whole at the end.

    Args:
        answer: the whole.
        finish_reason: why its first generation ended.

    """
    objects: list[dict[str, Any]] = []
    for index, generation in enumerate(answer["generations"]):
        objects += [{"text": text, "index": index, "is_finished": False} for text in tokens.split(generation["text"])]
    last = {"is_finished": True, "finish_reason": finish_reason, "response": answer}
    return _parts([*objects, last])


def chat(answer: dict[str, Any]) -> Iterator[bytes]:
    """Yield a chat answer's events: the start, each token, and the end with the whole."""
    start = {"event_type": "stream-start", "generation_id": answer["generation_id"], "is_finished": False}
    texts = [
        {"event_type": "text-generation", "text": text, "is_finished": False} for text in tokens.split(answer["text"])
    ]
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
