"""The one call to SageMaker. Every option that decides how often a generation is paid for is set here, on purpose.

botocore is boto3 without its resources and transfers, which nothing here uses: a fifth of a cold start, as measured.
"""

from __future__ import annotations

import queue
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from urllib3.exceptions import HTTPError

from proxy.errors import ProxyError
from proxy.settings import Settings
from proxy.upstream.errors import meaning_of, never_reached_the_model

CONNECT_SECONDS = 2.0
MOST_AT_ONCE = 5
IDLE_SECONDS = 20.0
"""A connection that was idle for longer is not used again: after a freeze of the function it may well be dead, and of a
request that is sent into a dead connection nobody knows whether it reached the model."""

_PAUSE_SECONDS = (0.1, 0.4)
_SERVICE = "sagemaker-runtime"
# Callers that were throttled together come apart. Not the module's own numbers: after SnapStart all have the same ones.
_dice = random.SystemRandom()


class _OneService(Loader):
    """The SDK's data, without a look at the folders of its 400 services."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - the SDK's own
        return [_SERVICE]


@dataclass
class Call:
    """One request's way to the model.

    Attributes:
        prompt: the prompt, which an error must not repeat.
        deadline: when the answer has to be there, by ``time.monotonic()``.
        variant: the variant to ask; default by weight.
        attempts: how many requests were sent for it so far.

    """

    prompt: str
    deadline: float
    variant: str | None = None
    attempts: int = 0

    @property
    def left(self) -> float:
        """Return how much time is left, in seconds; 0 when none is."""
        return max(0.0, self.deadline - time.monotonic())


class Endpoint:
    """The endpoint that answers. Made once for each execution environment, so that its connection is kept.

    Args:
        settings: which endpoint, and how long it may take.

    """

    def __init__(self, settings: Settings) -> None:
        self._name = settings.endpoint_name
        self._used = time.time()
        self._workers = ThreadPoolExecutor(MOST_AT_ONCE)
        session = botocore.session.Session()
        session.register_component("data_loader", _OneService())
        self._client: Any = session.create_client(
            _SERVICE,
            config=Config(
                # The SDK's own retries (3, since November 2026; 5 before) would pay for the same generation again when
                # the first one is only slow. When to try again is decided below.
                retries={"mode": "standard", "total_max_attempts": 1},
                connect_timeout=CONNECT_SECONDS,
                # Between two bytes; the whole is bounded by the call's deadline.
                read_timeout=settings.timeout_seconds,
                # Lambda runs one request at a time, which is at most so many generations of a chat model.
                max_pool_connections=MOST_AT_ONCE,
                tcp_keepalive=True,
                # What is sent was checked by the schema, and the variant's name by its pattern.
                parameter_validation=False,
                # Said once. By itself botocore puts it together twice for each request, a tenth of the proxy's CPU.
                user_agent=f"Botocore/{botocore.__version__} cohere-on-sagemaker",
            ),
        )

    def invoke_all(self, contents: list[bytes], call: Call) -> list[bytes]:
        """Send one or several requests side by side and return the answers, in the same order.

        The first that fails ends the whole: what the others generated is lost, and paid for. So does the deadline, even
        when an answer keeps arriving byte by byte: nobody waits for it any more.

        Args:
            contents: the JSON of each, at most five.
            call: the request they are for.

        Raises:
            ProxyError: one of them has no answer in time.

        """
        if not call.left:
            raise _too_late()
        self._leave_what_is_stale()
        answers: queue.SimpleQueue[tuple[int, bytes | Exception]] = queue.SimpleQueue()

        def ask(number: int) -> None:
            try:
                answers.put((number, self._invoke(contents[number], call)))
            except Exception as error:  # noqa: BLE001 - a worker's end must be heard of; whatever it is, it is raised below
                answers.put((number, error))

        for number in range(len(contents)):
            self._workers.submit(ask, number)
        found: dict[int, bytes] = {}
        try:
            while len(found) < len(contents):
                number, answer = answers.get(timeout=call.left)
                if isinstance(answer, Exception):
                    raise answer
                found[number] = answer
        except queue.Empty:
            raise _too_late() from None
        finally:
            if len(found) < len(contents):
                # Nobody waits for the rest: what comes too late must not keep the next request from its worker.
                self._workers.shutdown(wait=False, cancel_futures=True)
                self._workers = ThreadPoolExecutor(MOST_AT_ONCE)
        self._used = time.time()
        return [found[number] for number in range(len(contents))]

    def _leave_what_is_stale(self) -> None:
        # By the wall clock: the other one may stand still while the function is frozen.
        if time.time() - self._used > IDLE_SECONDS:
            self._client.close()

    def _invoke(self, content: bytes, call: Call) -> bytes:
        """Send a request; once more, after a short pause, when the first one cannot have reached the model."""
        try:
            return self._send(content, call)
        except (ClientError, BotoCoreError, HTTPError) as error:
            pause = _dice.uniform(*_PAUSE_SECONDS)
            if not never_reached_the_model(error) or call.left < pause + CONNECT_SECONDS:
                raise meaning_of(error, call.prompt, call.variant) from None
        time.sleep(pause)
        try:
            return self._send(content, call)
        except (ClientError, BotoCoreError, HTTPError) as error:
            raise meaning_of(error, call.prompt, call.variant) from None

    def _send(self, content: bytes, call: Call) -> bytes:
        call.attempts += 1
        answer = self._client.invoke_endpoint(
            EndpointName=self._name,
            ContentType="application/json",
            Accept="application/json",
            Body=content,
            **({"TargetVariant": call.variant} if call.variant else {}),
        )
        received: bytes = answer["Body"].read()
        return received


def _too_late() -> ProxyError:
    return ProxyError("timed_out", "the model took too long; ask for fewer tokens", cause="Deadline")
