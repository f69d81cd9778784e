"""A sweep that is stopped: by signals, by a kill, while its workers wait; nothing that was answered is lost."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from endpointctl.completion import Completion
from endpointctl.sweep.results import read
from stacks.settings import ENVIRONMENTS
from tests.unit.endpointctl.sweeps import answer, plan, sweep

ROOT = ENVIRONMENTS.parent


PROGRAM = textwrap.dedent(
    """
    import os, signal, sys, threading, time
    from pathlib import Path
    from endpointctl.sweep.backoff import Backoff
    from endpointctl.sweep.results import opened
    from endpointctl.sweep.run import pending, run
    from tests.unit.endpointctl.sweeps import answer, plan

    path, seconds, paused = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    class Announced(Backoff):
        def wait(self, stop):
            os.write(1, b"waits\\n")
            if to_worker.acquire(blocking=False):
                time.sleep(0.5)  # until the main thread waits for results
                signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            super().wait(stop)
    to_worker = threading.Semaphore(len(sys.argv) - 4)
    def generate(prompt, **fields):
        os.write(1, b"sends\\n")
        time.sleep(seconds)
        return answer(prompt, **fields)
    backoff = Announced()
    if paused:
        backoff.pause(paused)
    planned = plan(repeats=3)
    with opened(path, planned) as (results, earlier):
        calls = pending(planned, earlier)
        progress = run(planned, calls, generate, results, at_once=2, backoff=backoff)
    print("ended", progress.answered, progress.stopped or "complete", flush=True)
    """
)
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class Sweep:
    """A sweep of 36 calls, two at once, in a process of its own."""

    def __init__(
        self, path: Path, *, seconds: float = 0.2, paused: float = 0.0, ignored: bool = False, to_worker: bool = False
    ) -> None:
        command = [sys.executable, "-c", PROGRAM, str(path), str(seconds), str(paused), *["to worker"] * to_worker]
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
        try:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        finally:
            signal.signal(signal.SIGHUP, before)
        self.lines: list[str] = []
        watchdog = threading.Timer(60, self.process.kill)
        watchdog.daemon = True
        watchdog.start()

    def until(self, word: str, times: int) -> None:
        """Wait until the process has printed a word so many times."""
        assert self.process.stdout
        while self.lines.count(word) < times:
            line = self.process.stdout.readline()
            assert line, "it has ended"
            self.lines.append(line.strip())

    def end(self) -> tuple[int, str]:
        """Wait for its end; return how many calls it answered, and why it stopped."""
        out, _ = self.process.communicate(timeout=30)
        self.lines += out.splitlines()
        _, answered, stopped = self.lines[-1].split()
        return int(answered), stopped


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_waits_for_calls_in_flight_and_sends_no_more(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "r.jsonl"
    sweep = Sweep(path)
    sweep.until("sends", 4)
    sweep.process.send_signal(number)
    answered, stopped = sweep.end()
    assert stopped == "interrupted"
    assert 4 <= answered < 36
    assert len(read(path)[1]) == answered == sweep.lines.count("sends")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_worker_that_waits_for_the_endpoint_sends_nothing_more(tmp_path: Path, number: signal.Signals) -> None:
    sweep = Sweep(tmp_path / "r.jsonl", paused=3600.0)
    sweep.until("waits", 2)
    sweep.process.send_signal(number)
    assert sweep.end() == (0, "interrupted")
    assert "sends" not in sweep.lines


def test_a_signal_that_a_worker_receives(tmp_path: Path) -> None:
    """The kernel chooses the thread."""
    sweep = Sweep(tmp_path / "r.jsonl", paused=3600.0, to_worker=True)
    assert sweep.end() == (0, "interrupted")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_it_at_once(tmp_path: Path, number: signal.Signals) -> None:
    sweep = Sweep(tmp_path / "r.jsonl", seconds=3600.0)
    sweep.until("sends", 2)
    sweep.process.send_signal(number)
    time.sleep(0.2)  # two signals that arrive together are one
    sweep.process.send_signal(number)
    sweep.process.communicate(timeout=30)
    assert sweep.process.returncode != 0
    assert read(tmp_path / "r.jsonl")[1] == []


def test_a_lost_terminal_is_one_signal_however_often_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    sweep = Sweep(path, seconds=0.5)
    sweep.until("sends", 2)
    for _ in range(5):
        sweep.process.send_signal(signal.SIGHUP)
        time.sleep(0.02)
    assert sweep.end() == (2, "interrupted")
    assert len(read(path)[1]) == 2


def test_under_nohup_it_continues_and_still_obeys_the_other_signals(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path / "r.jsonl", seconds=0.02, ignored=True)
    sweep.until("sends", 2)
    sweep.process.send_signal(signal.SIGHUP)
    assert sweep.end() == (36, "complete")
    sweep = Sweep(tmp_path / "s.jsonl", paused=3600.0, ignored=True)
    sweep.until("waits", 2)
    sweep.process.send_signal(signal.SIGHUP)
    sweep.process.send_signal(signal.SIGTERM)
    assert sweep.end() == (0, "interrupted")


def test_a_killed_run_loses_no_answer_and_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    running = Sweep(path)
    running.until("sends", 6)
    running.process.kill()
    running.process.communicate()
    kept = {one.call for one in read(path)[1]}
    assert 0 < len(kept) < 36
    prompts: list[str] = []

    def generate(prompt: str, **fields: Any) -> Completion:
        prompts.append(prompt)
        return answer(prompt, **fields)

    sweep(path, plan(repeats=3), generate)
    assert len(prompts) == 36 - len(kept)
    assert {one.call for one in read(path)[1]} == set(range(36))
