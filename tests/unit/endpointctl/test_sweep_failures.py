"""Calls of a sweep that fail: which of them end it, and in which order the next run makes them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from endpointctl.completion import Completion, completion
from endpointctl.failure import Lost
from endpointctl.refused import BadAnswer, Refused, SageMakerFailed, Throttled, WrongRequest
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.result import answered, failed
from endpointctl.sweep.results import opened, read
from endpointctl.sweep.run import pending, run
from tests.unit.endpointctl.sweeps import answer, plan, sweep

SIXTY = Plan("dev", {"k": list(range(60))}, {"1": "p"})


def refusing(error: Callable[[], Exception], bad: set[int], order: list[int]) -> Callable[..., Completion]:
    def generate(prompt: str, **fields: Any) -> Completion:
        order.append(fields["k"])
        if fields["k"] in bad:
            raise error()
        return answer(prompt, **fields)

    return generate


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415])
def test_refused_requests_do_not_keep_the_others_from_being_made(tmp_path: Path, status: int) -> None:
    path, order = tmp_path / "r.jsonl", list[int]()
    generate = refusing(lambda: WrongRequest(status, {"code": "x", "message": "m"}), set(range(30)), order)
    progress = sweep(path, SIXTY, generate, at_once=1)
    assert (progress.answered, progress.failed, progress.stopped, len(order)) == (30, 30, "", 60)
    assert {one.call for one in read(path)[1] if one.caller_error} == set(range(30))


def test_failures_of_the_service_end_it_and_the_next_run_starts_with_calls_never_made(tmp_path: Path) -> None:
    path, order = tmp_path / "r.jsonl", list[int]()
    generate = refusing(lambda: Refused(502, {"code": "model_failed", "message": "m"}), set(range(30)), order)
    progress = sweep(path, SIXTY, generate, at_once=1)
    made = len(order)
    assert 20 <= made <= 22, "the worker may be ahead of the writer by a call or two"
    assert (progress.answered, progress.failed, order) == (0, made, list(range(made)))
    assert "m" in progress.stopped
    order.clear()
    assert sweep(path, SIXTY, generate, at_once=1).answered == 30
    again = 60 - made
    assert order[:again] == list(range(made, 60))
    assert order[again:] == list(range(len(order) - again)), "then those that failed"
    assert 20 <= len(order) - again <= 22


def test_refused_requests_do_not_interrupt_a_row_of_failures(tmp_path: Path) -> None:
    order: list[int] = []

    def generate(prompt: str, **fields: Any) -> Completion:
        order.append(fields["k"])
        if fields["k"] % 2:
            raise Refused(502, {"code": "model_failed", "message": "m"})
        raise WrongRequest(400, {"code": "model_refused", "message": "m"})

    assert sweep(tmp_path / "r.jsonl", SIXTY, generate, at_once=1).stopped
    assert 40 <= len(order) <= 42, "twenty of the service's failures, twenty refusals between them"


def test_calls_never_made_come_first_then_failures_then_refusals() -> None:
    calls = plan().calls
    earlier = {
        0: failed(calls[0], "model_refused", "m", 0.1, caller_error=True),
        1: failed(calls[1], "model_failed", "m", 0.1),
        2: answered(calls[2], answer("p")),
        3: failed(calls[3], "model_refused", "m", 0.1, caller_error=True),
        5: failed(calls[5], "connection_lost", "m", 0.1),
    }
    assert [call.number for call in pending(plan(), earlier)] == [4, 6, 7, 8, 9, 10, 11, 1, 5, 0, 3]


@pytest.mark.parametrize("last", [Lost("gone"), WrongRequest(400, {"code": "x", "message": "m"})])
def test_a_failure_counts_the_requests_before_it(tmp_path: Path, last: Exception) -> None:
    errors = [Throttled(429, {"code": "throttled"}, 0.0), Throttled(429, {"code": "throttled"}, 0.0), last]

    def generate(*_: Any, **__: Any) -> Completion:
        raise errors.pop(0)

    path = tmp_path / "r.jsonl"
    sweep(path, Plan("dev", {}, {"1": "p"}), generate, at_once=1)
    assert [one.attempts for one in read(path)[1]] == [3]


def test_an_answer_that_is_none_is_recorded_and_not_requested_again(tmp_path: Path) -> None:
    path, order = tmp_path / "r.jsonl", list[int]()
    page = "<html>" + "x" * 10_000

    def generate(prompt: str, **fields: Any) -> Completion:
        order.append(fields["k"])
        return completion(page if fields["k"] == 3 else {"generations": [{"text": "t"}]}, 0.1, 1)

    progress = sweep(path, SIXTY, generate, at_once=2)
    assert (progress.answered, progress.failed, len(order)) == (59, 1, 60)
    (one,) = [one for one in read(path)[1] if not one.ok]
    assert (one.call, one.code) == (3, "bad_answer")
    assert one.message
    assert "<html>xxx" in one.message
    assert len(one.message) < 400


@pytest.mark.parametrize(
    "error", [SageMakerFailed(502, {"code": "sagemaker_failed", "message": "m"}), BadAnswer(200, "<html>")]
)
def test_what_may_have_generated_is_sent_once(tmp_path: Path, error: Refused) -> None:
    order: list[int] = []
    progress = sweep(tmp_path / "r.jsonl", SIXTY, refusing(lambda: error, {7}, order), at_once=2)
    assert (progress.answered, progress.failed, order.count(7)) == (59, 1, 1)


def test_results_without_the_newer_member_are_read(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    sweep(path, plan(), answer)
    path.write_text(path.read_text("utf-8").replace(',"caller_error":false', ""), "utf-8")
    assert all(one.ok and not one.caller_error for one in read(path)[1])


def test_a_defect_in_a_worker_ends_the_sweep_and_keeps_the_answers(tmp_path: Path) -> None:
    order: list[int] = []
    progress = sweep(tmp_path / "r.jsonl", SIXTY, refusing(lambda: ZeroDivisionError("x"), {3}, order), at_once=1)
    assert (progress.answered, len(order)) == (3, 4), "its only worker is gone"
    assert "ZeroDivisionError" in progress.stopped


def test_a_terminal_that_is_gone_costs_no_answer(tmp_path: Path) -> None:
    def gone(_: object) -> None:
        raise OSError(5, "Input/output error")

    path = tmp_path / "r.jsonl"
    with opened(path, plan()) as (results, earlier):
        progress = run(plan(), pending(plan(), earlier), answer, results, at_once=2, on_progress=gone)
    assert (progress.answered, len(read(path)[1])) == (12, 12)
