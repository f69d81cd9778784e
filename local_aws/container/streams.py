"""Streamed answers: JSON objects, one a line, or server-sent events.

Source: how the cohere and cohere-aws SDKs read streams. The real container sends an object when a token is ready; this
one has all tokens before it sends the first. The runtime decides how SageMaker cuts the bytes into parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from local_aws.container.generation import Generation


def of_generations(answer: dict[str, Any], generations: Sequence[Generation]) -> list[dict[str, Any]]:
    """Return the objects of a generate answer: each token with the index of its generation, and the answer at the end.

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
    return [*objects, last]


def error_event(api: str, message: str) -> dict[str, Any]:
    """Return the object with which a container ends a stream that fails.

    Args:
        api: the API of the package's container.
        message: what failed.

    """
    if api == "chat_v2":
        return {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": message}}
    end = {"is_finished": True, "finish_reason": "ERROR"}
    if api == "chat":
        return {"event_type": "stream-end", **end, "response": {"text": "", "finish_reason": "ERROR"}}
    return {**end, "err": message}


def written(objects: Iterable[dict[str, Any]], *, server_sent: bool) -> Iterator[bytes]:
    """Yield each object as the bytes of a stream.

    Args:
        objects: the objects.
        server_sent: as server-sent events; otherwise one object a line.

    """
    for one in objects:
        text = json.dumps(one)
        yield (f"event: {one['type']}\ndata: {text}\n\n" if server_sent else f"{text}\n").encode()
