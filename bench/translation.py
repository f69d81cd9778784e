"""The CPU of translating chat v2 for a chat v1 container: a whole answer, and each event of a stream.

It is all that the proxy does with the bytes: JSON read and written, the schema checked, events decoded and framed.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
_ROUNDS, _REPEATS = 15, 200
_WORDS = "The quick brown fox jumps over the lazy dog. "
_REQUEST = {
    "model": "command-r",
    "messages": [
        {"role": "system", "content": _WORDS * 6},
        *(
            {"role": role, "content": _WORDS * 8 if role == "user" else [{"type": "text", "text": _WORDS * 8}]}
            for _ in range(4)
            for role in ("user", "assistant")
        ),
        {"role": "user", "content": _WORDS * 12},
    ],
    "max_tokens": 1000,
    "temperature": 0.3,
    "seed": 7,
}
_TOKENS = {"input_tokens": 900, "output_tokens": 800}
_ANSWER = {
    "response_id": "0000-1",
    "generation_id": "0000-2",
    "text": _WORDS * 90,
    "finish_reason": "COMPLETE",
    "meta": {"api_version": {"version": "1"}, "billed_units": _TOKENS, "tokens": _TOKENS},
}
_EVENTS = 800
Row = tuple[str, str, str, str]


def rows() -> Iterator[Row]:
    """Yield what, the median, the span and the limit."""
    sys.path.insert(0, str(ROOT / "lambda"))
    whole, size = _whole()
    found = sorted(_cpu(whole) * 1000 for _ in range(_ROUNDS))
    yield f"chat v2 on chat v1, {size} KB in and out, CPU in ms", *_figures(found, "0.15 ms", digits=3)
    found = sorted(_cpu(_stream(), 5) / _EVENTS * 1_000_000 for _ in range(_ROUNDS))
    yield "the same in a stream, CPU of an event in us", *_figures(found, "60 us", digits=1)


def _figures(found: list[float], limit: str, *, digits: int) -> tuple[str, str, str]:
    median = statistics.median(found)
    return f"{median:.{digits}f}", f"{found[0]:.{digits}f}-{found[-1]:.{digits}f}", limit


def _cpu(work: Callable[[], object], repeats: int = _REPEATS) -> float:
    """Return the CPU of one piece of work, in seconds."""
    work()
    started = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - started) / repeats


def _reader() -> Callable[[bytes], dict[str, Any]]:
    from proxy.routes.request import FieldReader
    from proxy.routes.table import CHAT_V2, LIMITS

    return FieldReader(CHAT_V2, dict.fromkeys(LIMITS, 100_000)).read


def _whole() -> tuple[Callable[[], object], int]:
    """Return what translates one request and its answer, and their size in KB."""
    from proxy.dialects.cohere_v2 import chat_on_chat

    read, request, answer = _reader(), json.dumps(_REQUEST).encode(), json.dumps(_ANSWER).encode()

    def work() -> object:
        fields = read(request)
        del fields["model"]
        chat_on_chat.requests(fields)
        return chat_on_chat.answer([answer], fields)

    return work, round((len(request) + len(answer)) / 2 / 1024)


def _stream() -> Callable[[], object]:
    """Return what translates the events of one stream, each of which arrives by itself."""
    from proxy.dialects import framing
    from proxy.dialects.cohere_v2 import chat_on_chat
    from proxy.upstream.decoder import Decoder

    fields = _reader()(json.dumps(_REQUEST).encode())
    documents = [
        {"event_type": "stream-start", "is_finished": False, "generation_id": "0000-2"},
        *({"event_type": "text-generation", "is_finished": False, "text": " word"} for _ in range(_EVENTS - 2)),
        {"event_type": "stream-end", "is_finished": True, "finish_reason": "COMPLETE", "response": _ANSWER},
    ]
    parts = [json.dumps(document).encode() + b"\n" for document in documents]

    def work() -> object:
        decoder, stream, frames = Decoder(), chat_on_chat.stream(fields), framing.choose("chat_v2", "*/*")
        return [
            b"".join(map(frames.write, stream.events(document))) for part in parts for document in decoder.feed(part)
        ]

    return work
