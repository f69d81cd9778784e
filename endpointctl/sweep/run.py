"""Run a plan: several calls at once, all slower together when the endpoint is busy, and no answer is lost."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from endpointctl.completion import Completion
from endpointctl.failure import Failure, Lost, Unreachable
from endpointctl.refused import Asleep, EndpointAway, NotAllowed, QuotaExceeded, Refused, WrongRequest
from endpointctl.sweep.backoff import Backoff
from endpointctl.sweep.plan import Call, Plan
from endpointctl.sweep.result import Result, answered, failed
from endpointctl.sweep.results import Results
from endpointctl.sweep.signals import Stop, stop_on_signals

Generate = Callable[..., Completion]

MOST_ATTEMPTS: Final = 8
"""Of a call that is throttled or has no connection; the whole sweep waits between them, longer each time."""

# Errors that every further call would have, and what to do about each.
_HOPELESS: Final[dict[type[Refused], str]] = {
    NotAllowed: "sign in again (`aws sso login`), or ask for the permission",
    EndpointAway: "deploy the endpoint (`make deploy`), or wait until it is in service",
    Asleep: "wake it with `endpointctl wake`, wait until it is in service, and start the sweep again",
    QuotaExceeded: "wait for the quota's next period, or ask for a larger one",
}
_POLL_SECONDS: Final = 0.1
_FAILURES_IN_A_ROW: Final = 20
"""So many failures of the service end the sweep. Requests that are refused as wrong are not counted."""


@dataclass
class Progress:
    """How far a sweep is.

    Attributes:
        planned: how many calls it has.
        before: how many of them an earlier run answered.
        answered: how many this run answered.
        failed: how many failed in this run.
        stopped: why it ended early; empty when it did not.

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

    def count(self, result: Result) -> None:
        """Count one result; set ``stopped`` when too many calls failed in a row."""
        if result.ok:
            self.answered += 1
            self._in_a_row = 0
            return
        self.failed += 1
        if result.caller_error:
            return
        self._in_a_row += 1
        if self._in_a_row >= _FAILURES_IN_A_ROW:
            self.stopped = f"{_FAILURES_IN_A_ROW} calls in a row failed, the last with: {result.message}"


def pending(plan: Plan, earlier: Mapping[int, Result]) -> list[Call]:
    """Return the calls without an answer: first those never made, then those that failed, last those refused."""

    def order(call: Call) -> tuple[int, int]:
        result = earlier.get(call.number)
        return (0 if result is None else 2 if result.caller_error else 1), call.number

    left = [call for call in plan.calls if call.number not in earlier or not earlier[call.number].ok]
    return sorted(left, key=order)


def run(
    plan: Plan,
    calls: Sequence[Call],
    generate: Generate,
    results: Results,
    *,
    at_once: int,
    on_progress: Callable[[Progress], None] = lambda _: None,
    backoff: Backoff | None = None,
) -> Progress:
    """Make calls, and write each result as it arrives.

    The first SIGINT (Ctrl-C), SIGTERM or SIGHUP ends it: calls in flight are waited for and written, nothing more is
    sent. The second one ends it at once.

    Args:
        plan: the sweep.
        calls: those of ``pending``.
        generate: makes one attempt, e.g. ``Client.generate``.
        results: where results are written.
        at_once: how many calls are in flight at most.
        on_progress: called after each result.
        backoff: default a new one.

    Raises:
        Failure: the results cannot be written.

    """
    progress = Progress(plan.count, plan.count - len(calls))
    waiting: queue.SimpleQueue[Call] = queue.SimpleQueue()
    for call in calls:
        waiting.put(call)
    # A worker makes no further call before its last result is about to be written.
    arrived: queue.Queue[Result | Failure | None] = queue.Queue(maxsize=1)
    stop, backoff = Stop(), backoff or Backoff()

    def work() -> None:
        try:
            while not stop.is_set():
                one = _result(plan, waiting.get_nowait(), generate, backoff, stop)
                if one is None:
                    return
                if isinstance(one, Failure):
                    stop.set()
                arrived.put(one)
        except queue.Empty:
            pass
        except Exception as error:  # noqa: BLE001 - the main thread waits for every worker
            stop.set()
            arrived.put(Failure(f"the sweep itself failed: {type(error).__name__}: {error}"))
        finally:
            arrived.put(None)

    workers = min(at_once, len(calls))
    with stop_on_signals(stop):
        for _ in range(workers):
            threading.Thread(target=work, daemon=True).start()
        while workers:
            try:
                # A thread that waits without a time-out does not see a signal that another thread received.
                one = arrived.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if one is None:
                workers -= 1
            elif isinstance(one, Failure):
                progress.stopped = progress.stopped or str(one)
            else:
                results.add(one)
                progress.count(one)
                if progress.stopped:
                    stop.set()
                with suppress(OSError):  # a terminal that is gone must not cost an answer
                    on_progress(progress)
        if stop.is_set() and progress.left:
            progress.stopped = progress.stopped or "interrupted"
    return progress


def _result(plan: Plan, call: Call, generate: Generate, backoff: Backoff, stop: Stop) -> Result | Failure | None:
    """Return the result of a call; None when the sweep stopped before it; a failure when every call would have it."""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        backoff.wait(stop)
        if stop.is_set():
            return None
        began = time.monotonic()
        try:
            completion = generate(plan.prompts[call.prompt], **plan.fields(call))
        except Refused as refused:
            if remedy := _HOPELESS.get(type(refused)):
                return Failure(f"{refused}: {remedy}")
            if not refused.may_be_tried_again or attempt == MOST_ATTEMPTS:
                return _refused(call, refused, time.monotonic() - began, attempt)
            backoff.pause(refused.retry_after)
        except Lost as lost:
            # The model may have generated: the next run decides whether to call again.
            return failed(call, "connection_lost", lost.reason, time.monotonic() - began, attempts=attempt)
        except Unreachable as unreachable:
            if attempt == MOST_ATTEMPTS:
                return unreachable
            backoff.pause(None)
        except Failure as failure:
            return failure
        else:
            backoff.reset()
            return replace(answered(call, completion), attempts=attempt)
    raise AssertionError("unreachable")


def _refused(call: Call, refused: Refused, seconds: float, attempts: int) -> Result:
    code, wrong = refused.code or str(refused.status), isinstance(refused, WrongRequest)
    return failed(call, code, refused.reason, seconds, attempts=attempts, caller_error=wrong)
