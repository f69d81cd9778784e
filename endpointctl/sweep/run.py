"""Runs a plan: several calls at once, all slower together when the endpoint is busy, and no answer is ever lost."""

from __future__ import annotations

import queue
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from endpointctl.completion import Completion
from endpointctl.failure import Failure, Lost, Unreachable
from endpointctl.refused import EndpointAway, NotAllowed, QuotaExceeded, Refused
from endpointctl.sweep.plan import Call, Plan
from endpointctl.sweep.results import Result, Results, answered, failed

Generate = Callable[..., Completion]

MOST_ATTEMPTS: Final = 8
"""Of a call that is throttled or finds nobody; the whole sweep waits between them, longer each time."""

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
# What every further call would meet, and what to do about it.
_HOPELESS: Final[dict[type[Refused], str]] = {
    NotAllowed: "sign in again (`aws sso login`), or ask for the permission",
    EndpointAway: "deploy the endpoint (`make deploy`), or wait until it is in service",
    QuotaExceeded: "wait for the quota's next period, or ask for a larger one",
}
_FAILURES_IN_A_ROW: Final = 20


class Brake:
    """Makes all workers wait together: who was refused last says for how long.

    Args:
        first: the first pause, in seconds; each refusal after a pause doubles it, an answer ends that.

    """

    def __init__(self, first: float = _FIRST_PAUSE) -> None:
        self._first = first
        self._pause = first
        self._until = 0.0
        self._lock = threading.Lock()

    def pull(self, wanted: float | None) -> None:
        """Wait from now on; those who are refused at the same time pull it once."""
        with self._lock:
            now = time.monotonic()
            if now < self._until:
                return
            self._until = now + max(wanted or 0.0, self._pause) * random.uniform(1.0, 1.25)  # noqa: S311 - no secret
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def release(self) -> None:
        """Begin again with the first pause: somebody was answered."""
        with self._lock:
            self._pause = self._first

    @property
    def left(self) -> float:
        """Return how long to wait still, in seconds."""
        return max(0.0, self._until - time.monotonic())


@dataclass
class Progress:
    """How far a sweep is.

    Attributes:
        planned: how many calls it has.
        before: how many of them were answered by an earlier run.
        answered: how many now.
        failed: how many failed now.
        stopped: why it ended before its end; empty when it did not.

    """

    planned: int
    before: int
    answered: int = 0
    failed: int = 0
    stopped: str = ""
    _in_a_row: int = field(default=0, repr=False)

    @property
    def left(self) -> int:
        """Return how many calls have no answer and no error of this run."""
        return self.planned - self.before - self.answered - self.failed


def run(
    plan: Plan,
    generate: Generate,
    results: Results,
    done: dict[int, Result],
    *,
    at_once: int,
    told: Callable[[Progress], None] = lambda _: None,
    brake: Brake | None = None,
) -> Progress:
    """Ask all that has no answer yet, and write each answer as it arrives.

    Ctrl-C ends it: what is on its way is waited for and written, nothing more is sent; a second one ends it at once.

    Args:
        plan: what to ask.
        generate: who is asked, e.g. ``Client.generate``; it makes one attempt.
        results: where answers are written.
        done: the answers of earlier runs.
        at_once: how many calls are on their way at once.
        told: hears of each step.
        brake: default a new one.

    Raises:
        Failure: the results cannot be written.

    """
    progress = Progress(plan.count, len(done))
    waiting: queue.SimpleQueue[Call] = queue.SimpleQueue()
    for call in plan.calls:
        if call.number not in done:
            waiting.put(call)
    arrived: queue.SimpleQueue[Result | Failure | None] = queue.SimpleQueue()
    stop, brake = threading.Event(), brake or Brake()

    def work() -> None:
        try:
            while not stop.is_set():
                call = waiting.get_nowait()
                one = _ask(plan, call, generate, brake, stop)
                if isinstance(one, Failure):
                    stop.set()
                arrived.put(one)
        except queue.Empty:
            pass
        except Exception as error:  # noqa: BLE001 - a worker's end must be heard of
            arrived.put(Failure(f"the sweep itself failed: {type(error).__name__}: {error}"))
        finally:
            arrived.put(None)

    workers = min(at_once, progress.left)
    for _ in range(workers):
        threading.Thread(target=work, daemon=True).start()
    with _interrupts(progress, stop):
        while workers:
            one = arrived.get()
            if one is None:
                workers -= 1
            elif isinstance(one, Failure):
                progress.stopped = progress.stopped or str(one)
            else:
                results.add(one)
                _count(progress, one, stop)
                told(progress)
    return progress


@contextmanager
def _interrupts(progress: Progress, stop: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C stop the sweep without an exception, which could fall between an answer and its line."""

    def interrupt(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        progress.stopped = "interrupted"
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        stop.set()
        signal.signal(signal.SIGINT, before)


def _ask(plan: Plan, call: Call, generate: Generate, brake: Brake, stop: threading.Event) -> Result | Failure:
    """Return what became of a call; a failure that every call will meet ends the sweep, and this one is asked again."""
    began = time.monotonic()
    for attempt in range(1, MOST_ATTEMPTS + 1):
        while brake.left and not stop.is_set():
            stop.wait(min(brake.left, 0.2))
        if stop.is_set() and attempt > 1:
            return Failure("interrupted")
        began = time.monotonic()
        try:
            completion = generate(plan.prompts[call.prompt], **plan.fields(call))
        except Refused as refused:
            if remedy := _HOPELESS.get(type(refused)):
                return Failure(f"{refused}: {remedy}")
            if refused.may_be_tried_again and attempt < MOST_ATTEMPTS:
                brake.pull(refused.retry_after)
            else:
                return failed(call, refused.code or str(refused.status), refused.reason, time.monotonic() - began)
        except Lost as lost:
            # The model may have generated: it is for the next run to ask again.
            return failed(call, "connection_lost", lost.reason, time.monotonic() - began)
        except Unreachable as unreachable:
            if attempt == MOST_ATTEMPTS:
                return unreachable
            brake.pull(None)
        except Failure as failure:
            return failure
        else:
            brake.release()
            result = answered(call, completion)
            return replace(result, attempts=attempt)
    raise AssertionError("unreachable")


def _count(progress: Progress, result: Result, stop: threading.Event) -> None:
    if result.ok:
        progress.answered += 1
        progress._in_a_row = 0
        return
    progress.failed += 1
    progress._in_a_row += 1
    if progress._in_a_row >= _FAILURES_IN_A_ROW:
        progress.stopped = f"{_FAILURES_IN_A_ROW} calls in a row failed, the last with: {result.message}"
        stop.set()
