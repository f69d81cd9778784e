"""The one call to SageMaker. Every option that decides how often a generation runs is set here, on purpose."""

from __future__ import annotations

import queue
import random
import time
from collections.abc import Callable, Generator
from typing import Any, Final, TypeVar

import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from proxy.errors import ProxyError
from proxy.settings import Settings
from proxy.upstream.call import Call
from proxy.upstream.errors import before_the_model, proxy_error_of
from proxy.upstream.sdk import create_client
from proxy.upstream.workers import Workers

CONNECT_SECONDS: Final = 2.0
MAX_CONCURRENT_REQUESTS: Final = 5
IDLE_SECONDS: Final = 20.0
"""A connection that was idle for longer is not used again: after a freeze of the function it may be dead, and nobody
knows whether a request that is sent into a dead connection reached the model."""

_T = TypeVar("_T")
_PAUSE_SECONDS: Final = (0.1, 0.4)
_SERVICE: Final = "sagemaker-runtime"
# Callers that were throttled together come apart. Not the module's own generator: SnapStart restores its state.
_random = random.SystemRandom()


class EndpointClient:
    """The endpoints. Make one for each execution environment: it keeps connections.

    Args:
        settings: the time-out.

    """

    def __init__(self, settings: Settings) -> None:
        self._last_used = [time.time()] * MAX_CONCURRENT_REQUESTS
        self._workers = Workers()
        self._client = create_client(
            _SERVICE,
            Config(
                # The SDK's own retries (3, since November 2026; 5 before) would repeat a generation that is only slow.
                # The proxy decides about a second attempt, below.
                retries={"mode": "standard", "total_max_attempts": 1},
                connect_timeout=CONNECT_SECONDS,
                # Between two bytes; the call's deadline bounds the whole.
                read_timeout=settings.timeout_seconds,
                # Lambda runs one request at a time, which is at most so many generations of a chat model.
                max_pool_connections=MAX_CONCURRENT_REQUESTS,
                tcp_keepalive=True,
                # The schema checked the fields, and a pattern the variant's name.
                parameter_validation=False,
                # Set once. By itself botocore composes it twice for each request, a tenth of the proxy's CPU.
                user_agent=f"Botocore/{botocore.__version__} cohere-on-sagemaker",
            ),
        )

    def invoke_all(self, contents: list[bytes], call: Call) -> list[bytes]:
        """Send one or several requests side by side and return the answers, in the same order.

        The first failure ends the whole, and so does the deadline, even when an answer keeps arriving byte by byte.
        Only a refusal before the model waits for the others: the caller may retry when all of them were refused.

        Args:
            contents: the JSON of each, at most five.
            call: the request they are for.

        Raises:
            ProxyError: one of them has no answer in time.

        """
        if not call.remaining:
            raise _timed_out()
        self._close_idle_connections(len(contents))
        results: queue.SimpleQueue[tuple[int, bytes | Exception]] = queue.SimpleQueue()

        def work(number: int) -> None:
            try:
                results.put((number, self._invoke(contents[number], call)))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised below
                results.put((number, error))

        answers: dict[int, bytes] = {}
        try:
            self._workers.start(work, len(contents))
            _collect(results, len(contents), call, answers)
        finally:
            if len(answers) < len(contents):
                self._leave(call)
        self._last_used[: len(contents)] = [time.time()] * len(contents)
        return [answers[number] for number in range(len(contents))]

    def stream(self, content: bytes, call: Call) -> Generator[bytes]:
        """Send a request and yield the parts of its answer as they arrive, in whatever sizes.

        Close it to leave the stream: the connection ends with the next part.

        Args:
            content: the request's JSON.
            call: the request it is for.

        Raises:
            ProxyError: there is no answer, it breaks off, or the deadline has come.

        """
        if not call.remaining:
            raise _timed_out()
        self._close_idle_connections(1)
        parts: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()

        def work(_number: int) -> None:
            try:
                self._receive(content, call, parts.put)
                parts.put(None)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised below
                parts.put(error)

        ended = False
        try:
            self._workers.start(work, 1)
            while True:
                try:
                    part = parts.get(timeout=call.remaining)
                except queue.Empty:
                    raise _timed_out() from None
                if part is None:
                    ended = True
                    self._last_used[0] = time.time()
                    return
                if isinstance(part, Exception):
                    raise part
                yield part
        finally:
            if not ended:
                self._leave(call)

    def _receive(self, content: bytes, call: Call, put: Callable[[bytes], None]) -> None:
        body = _at_most_twice(lambda: self._open(content, call), call)
        try:
            for event in body:
                if call.cancelled:
                    return
                # Any other member is none of the model's: botocore raises the errors.
                if part := event.get("PayloadPart", {}).get("Bytes"):
                    put(part)
        except (ClientError, BotoCoreError, HTTPError) as error:
            raise proxy_error_of(error, call.texts(), call.variant) from None
        finally:
            body.close()

    def _open(self, content: bytes, call: Call) -> Any:  # noqa: ANN401 - botocore's event stream
        call.begin_attempt()
        response = self._client.invoke_endpoint_with_response_stream(**_request(content, call))
        call.answered_by = response.get("InvokedProductionVariant", "")
        return response["Body"]

    def _leave(self, call: Call) -> None:
        """Leave a call: a late answer must not keep the next request from its worker, and nothing more may be sent."""
        call.cancel()
        self._workers.end()
        self._workers = Workers()

    def _close_idle_connections(self, needed: int) -> None:
        """Close all connections when one of those needed was idle for too long: the last one returned is used first."""
        # By the wall clock: the monotonic one may stand still while the function is frozen.
        if time.time() - min(self._last_used[:needed]) > IDLE_SECONDS:
            self._client.close()

    def _invoke(self, content: bytes, call: Call) -> bytes:
        """Send a request; once more, after a short pause, when the first cannot have reached the model."""
        return _at_most_twice(lambda: self._send(content, call), call)

    def _send(self, content: bytes, call: Call) -> bytes:
        call.begin_attempt()
        response = self._client.invoke_endpoint(**_request(content, call))
        call.answered_by = response.get("InvokedProductionVariant", "")
        body: bytes = response["Body"].read()
        return body


def _request(content: bytes, call: Call) -> dict[str, Any]:
    request = {"EndpointName": call.endpoint, "ContentType": "application/json", "Body": content}
    return {**request, "Accept": "application/json", **({"TargetVariant": call.variant} if call.variant else {})}


def _at_most_twice(send: Callable[[], _T], call: Call) -> _T:
    try:
        return send()
    except (ClientError, BotoCoreError, HTTPError) as error:
        pause = _random.uniform(*_PAUSE_SECONDS)
        if not before_the_model(error) or call.remaining < pause + CONNECT_SECONDS:
            raise proxy_error_of(error, call.texts(), call.variant) from None
    call.pause(pause)
    try:
        return send()
    except (ClientError, BotoCoreError, HTTPError) as error:
        raise proxy_error_of(error, call.texts(), call.variant) from None


def _collect(
    results: queue.SimpleQueue[tuple[int, bytes | Exception]], count: int, call: Call, answers: dict[int, bytes]
) -> None:
    """Fill ``answers`` with every result; raise the error that decides."""
    refused: ProxyError | None = None
    for _ in range(count):
        try:
            number, result = results.get(timeout=call.remaining)
        except queue.Empty:
            raise _timed_out() from None
        if isinstance(result, ProxyError) and result.before_the_model:
            refused = refused or result
        elif isinstance(result, Exception):
            raise result
        else:
            answers[number] = result
        if refused and answers:
            raise ProxyError(
                "partial_generations",
                "the model was too busy for some of the generations, and the others are lost; ask for fewer at once",
                cause=refused.cause,
            )
    if refused:
        raise refused


def _timed_out() -> ProxyError:
    return ProxyError("timed_out", "the model took too long; ask for fewer tokens", cause="Deadline")
