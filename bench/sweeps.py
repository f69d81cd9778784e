"""Sweeps: the article's grid at once and one after another, and ten thousand results resumed and reported."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from endpointctl.completion import Completion, Generation
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.result import answered
from endpointctl.sweep.results import opened
from endpointctl.sweep.run import pending, run

ROOT = Path(__file__).parent.parent
Row = tuple[str, str, str, str]
_MANY = 10_000
_AT_ONCE = 10


def rows() -> Iterator[Row]:
    """Yield what, measured, span and limit."""
    grid = Plan("dev", {"max_tokens": [100, 200, 300, 400, 500], "temperature": [0, 1, 2, 3, 4, 5]}, {"1": "p"})
    ideal = grid.count / _AT_ONCE
    with tempfile.TemporaryDirectory() as folder:
        times = [_grid(Path(folder) / f"{number}.jsonl", grid) for number in range(3)]
        began = time.perf_counter()
        for _ in range(grid.count):
            _second("p")
        loop = time.perf_counter() - began
        ratio = statistics.median(times) / ideal
        what = f"grid of {grid.count}, {_AT_ONCE} at once, over the ideal {ideal:.0f} s (a loop: {loop / ideal:.1f})"
        yield what, f"{ratio:.2f}", f"{min(times):.2f}-{max(times):.2f} s", "1.15 times"
        path = Path(folder) / "many.jsonl"
        _write_many(path)
        began = time.perf_counter()
        command = [sys.executable, "-m", "bench.sweeps", str(path)]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        seconds = time.perf_counter() - began
    peak = int(done.stdout.splitlines()[-1]) / 1024
    yield f"{_MANY} results resumed and reported, at most {peak:.0f} MB (500 MB)", f"{seconds:.1f}", "one run", "10 s"


def _second(prompt: str, **_: Any) -> Completion:  # noqa: ANN401
    """Take exactly one second, as a model that answers in one."""
    time.sleep(1)
    return Completion({"generations": [{"text": prompt}]}, 1.0)


def _grid(path: Path, plan: Plan) -> float:
    began = time.perf_counter()
    with opened(path, plan) as (results, done):
        run(plan, pending(plan, done), _second, results, at_once=_AT_ONCE)
    return time.perf_counter() - began


def _many() -> Plan:
    values: dict[str, list[float]] = {
        "max_tokens": list(range(10, 510, 10)),
        "temperature": [number / 10 for number in range(50)],
    }
    return Plan("dev", values, {"1": "p"}, repeats=4, seed=1, fixed={"return_likelihoods": "GENERATION"})


def _write_many(path: Path) -> None:
    text = "a word and another one " * 20
    body = {"text": text, "token_likelihoods": [{"likelihood": -1.25}] * 100, "likelihood": -1.25}
    completion = Completion({"generations": [body]}, 1.0)
    assert completion.generations[0] == Generation(text, None, -1.25, (-1.25,) * 100)  # noqa: S101 - what is measured
    plan = _many()
    with opened(path, plan) as (results, _):
        for call in plan.calls:
            results.add(answered(call, completion))


def _resume_and_report(path: Path) -> None:
    from endpointctl.report.command import report

    plan = _many()
    with opened(path, plan) as (results, done):
        progress = run(plan, pending(plan, done), _second, results, at_once=_AT_ONCE)
    if progress.before != _MANY or progress.answered:
        raise RuntimeError(f"resumed wrongly: {progress}")
    report(path)


if __name__ == "__main__":
    _resume_and_report(Path(sys.argv[1]))
    # Its own: that of all children would be the largest of any that ran before.
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\n")
