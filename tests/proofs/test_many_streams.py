"""Many streams at the same time through a REST API: each whole and in order, and none waits for another.

Each needs a process of its own here, as on Lambda: ``STREAMS=100`` runs a hundred, whose start takes a minute or two.
"""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import httpx
import pytest

from local_aws.conditions import Conditions
from tests.support.cloud import Deployed
from tests.support.local_transport import LocalTransport
from tests.support.served import BEARER, MODELS, Served, make_endpoints, serve

STREAMS = int(os.environ.get("STREAMS", "8"))
TEXTS = 10
PAUSE_SECONDS = 0.5 if STREAMS > 20 else 0.2
ROUNDS = (STREAMS // 4, STREAMS // 2, STREAMS * 3 // 4, *[STREAMS] * 4)


@pytest.fixture(scope="module")
def served(deployed: Deployed) -> Served:
    make_endpoints()
    # Twice as many as needed: an execution environment is busy for a moment after its last byte.
    return serve(deployed, "many", rest_api=BEARER, reserved_concurrency=2 * STREAMS)


@dataclass
class Received:
    """What a stream brought.

    Attributes:
        events: its events.
        times: when each came, by ``time.monotonic``.

    """

    events: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def text(self) -> str:
        deltas = [one["delta"]["message"]["content"]["text"] for one in self.events if one["type"] == "content-delta"]
        return "".join(deltas)


class Caller:
    """Sends one of a few requests, whole or streamed."""

    def __init__(self, deployed: Deployed, served: Served) -> None:
        self._url, self._local = served.url, deployed.cloud.url
        self._headers = {"Authorization": f"Bearer {served.key}"}

    def text(self, number: int) -> str:
        """Return the text of a whole answer."""
        with self._client() as client:
            answer = client.post("/v2/chat", json=self._body(number))
        text: str = answer.raise_for_status().json()["message"]["content"][0]["text"]
        return text

    def stream(self, number: int, together: Barrier) -> Received:
        """Send a request when all the others are ready, and read its stream to the end."""
        found = Received()
        with self._client() as client:
            together.wait(60)
            with client.stream("POST", "/v2/chat", json={**self._body(number), "stream": True}) as answer:
                assert answer.status_code == 200, answer.read()
                for line in answer.iter_lines():
                    if line.startswith("data: {"):
                        found.events.append(json.loads(line.removeprefix("data: ")))
                        found.times.append(time.monotonic())
        return found

    def _client(self) -> httpx.Client:
        transport = LocalTransport(self._local)
        return httpx.Client(base_url=self._url, headers=self._headers, transport=transport, timeout=300)

    def _body(self, number: int) -> dict[str, Any]:
        messages = [{"role": "user", "content": "Hello"}]
        return {"model": MODELS["chat"], "messages": messages, "max_tokens": 12, "seed": number % TEXTS}


def test_many_streams_end_whole_and_in_order(
    deployed: Deployed, served: Served, account: Callable[[Conditions], None]
) -> None:
    """The first rounds start the execution environments, a quarter each: all at once would wait for each other."""
    caller = Caller(deployed, served)
    texts = [caller.text(number) for number in range(TEXTS)]
    assert len(set(texts)) > TEXTS // 2
    account(Conditions(part_delay_seconds=PAUSE_SECONDS, concurrency=2 * STREAMS))
    for count in ROUNDS:
        together, began = Barrier(count), time.monotonic()
        with ThreadPoolExecutor(count) as pool:
            found = list(pool.map(lambda one, barrier=together: caller.stream(one, barrier), range(count)))
        print(f"{count} streams in {time.monotonic() - began:.1f} s")
        for one, received in enumerate(found):
            assert received.text == texts[one % TEXTS]
            assert [received.events[0]["type"], received.events[-1]["type"]] == ["message-start", "message-end"]
            assert received.events[-1]["delta"]["finish_reason"] in ("MAX_TOKENS", "COMPLETE")
        if count == STREAMS and max(one.times[0] for one in found) < min(one.times[-1] for one in found):
            return
    pytest.fail("in no round were all streams open at the same time")
