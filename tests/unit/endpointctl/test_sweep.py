"""A sweep: its file, and how it bears a busy endpoint, one that is gone, and requests that are refused."""

import json
import os
import re
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from endpointctl.completion import Completion
from endpointctl.failure import Failure, Lost, Unreachable
from endpointctl.refused import EndpointAway, NotAllowed, Throttled, WrongRequest
from endpointctl.sweep import backoff as backoff_module
from endpointctl.sweep.backoff import Backoff
from endpointctl.sweep.result import answered
from endpointctl.sweep.results import opened, read
from endpointctl.sweep.run import pending, run
from stacks.settings import ENVIRONMENTS
from tests.unit.endpointctl.sweeps import answer, plan, sweep

ROOT = ENVIRONMENTS.parent


def test_everything_is_asked_once_and_written(tmp_path: Path) -> None:
    asked: list[tuple[str, Any]] = []

    def generate(prompt: str, **fields: Any) -> Completion:
        asked.append((prompt, fields))
        return answer(prompt, **fields)

    path, wanted = tmp_path / "r.jsonl", plan(repeats=2, seed=1, fixed={"k": 3})
    progress = sweep(path, wanted, generate)
    assert (progress.answered, progress.failed, progress.left, progress.stopped) == (24, 0, 0, "")
    theirs, found = read(path)
    assert theirs == wanted
    assert theirs.id == wanted.id
    assert [one.call for one in found] == list(range(24))
    assert sorted(map(str, asked)) == sorted(str((wanted.prompts[c.prompt], wanted.fields(c))) for c in wanted.calls)
    first = found[0].generations[0]
    assert (found[0].seconds, first.tokens, first.token_likelihoods) == (0.25, 2, (-0.5, -1.5))
    assert sweep(path, wanted, generate).answered == 0
    assert len(asked) == 24


def test_a_throttle_slows_all_and_loses_nothing(tmp_path: Path) -> None:
    lock, at_work, most, asked = threading.Lock(), [0], [0], [0]

    def generate(prompt: str, **fields: Any) -> Completion:
        with lock:
            asked[0] += 1
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
            busy = at_work[0] > 2
        time.sleep(0.01)
        with lock:
            at_work[0] -= 1
        if busy:
            raise Throttled(429, {"code": "throttled", "message": "m"})
        return answer(prompt, **fields)

    path = tmp_path / "r.jsonl"
    progress = sweep(path, plan(), generate, at_once=6)
    assert (progress.answered, progress.failed) == (12, 0)
    assert most[0] > 2
    assert max(one.attempts for one in read(path)[1]) > 1


def test_all_workers_wait_together(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(backoff_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    backoff = Backoff(0.2)
    backoff.pause(None)
    first = backoff.left
    backoff.pause(5.0)
    assert 0.2 <= first <= 0.25
    assert backoff.left == first, "calls refused at the same time start one pause"
    now[0] += first
    backoff.pause(None)
    assert 0.4 <= backoff.left <= 0.5, "the next pause is longer"
    now[0] += backoff.left
    backoff.reset()
    backoff.pause(None)
    assert backoff.left <= 0.25
    now[0] += backoff.left
    backoff.pause(1.0)
    assert 1.0 <= backoff.left <= 1.25, "Retry-After counts"


def test_a_refused_call_is_written_and_the_rest_goes_on_and_it_is_asked_again(tmp_path: Path) -> None:
    refuse = [True]

    def generate(prompt: str, **fields: Any) -> Completion:
        if fields["temperature"] == 0.5 and refuse[0]:
            raise WrongRequest(400, {"code": "model_refused", "message": "no half"})
        return answer(prompt, **fields)

    path = tmp_path / "r.jsonl"
    progress = sweep(path, plan(), generate)
    assert (progress.answered, progress.failed) == (8, 4)
    errors = [one for one in read(path)[1] if not one.ok]
    assert {(one.code, one.message) for one in errors} == {("model_refused", "HTTP 400 [model_refused]: no half")}
    refuse[0] = False
    progress = sweep(path, plan(), generate)
    assert (progress.before, progress.answered) == (8, 4)
    assert all(one.ok for one in read(path)[1])
    assert len(read(path)[1]) == 12


@pytest.mark.parametrize(
    "error",
    [
        NotAllowed(403, {"message": "expired"}),
        EndpointAway(502, {"code": "endpoint_unavailable", "message": "gone"}),
        Failure("AWS credentials: sign in first"),
    ],
)
def test_what_every_call_would_meet_ends_the_sweep(tmp_path: Path, error: Failure) -> None:
    asked: list[str] = []

    def generate(prompt: str, **fields: Any) -> Completion:
        asked.append(prompt)
        if len(asked) > 3:
            raise error
        return answer(prompt, **fields)

    path = tmp_path / "r.jsonl"
    progress = sweep(path, plan(), generate, at_once=1)
    assert (progress.answered, progress.failed, len(asked)) == (3, 0, 4)
    assert error.reason in progress.stopped
    assert re.search("sign in|deploy the endpoint", progress.stopped)
    assert len(read(path)[1]) == 3


def test_what_was_not_sent_is_asked_again_and_what_may_have_been_answered_is_not(tmp_path: Path) -> None:
    asked: list[Any] = []

    def generate(prompt: str, **fields: Any) -> Completion:
        asked.append(prompt)
        if len(asked) == 2:
            raise Unreachable("no answer: NewConnectionError")
        if len(asked) == 4:
            raise Lost("no answer: ProtocolError")
        return answer(prompt, **fields)

    path = tmp_path / "r.jsonl"
    progress = sweep(path, plan(), generate, at_once=1)
    assert (progress.answered, progress.failed, len(asked)) == (11, 1, 13)
    assert [one.code for one in read(path)[1] if not one.ok] == ["connection_lost"]


def test_who_is_never_reached_ends_the_sweep(tmp_path: Path) -> None:
    def generate(prompt: str, **fields: Any) -> Completion:
        raise Unreachable("no answer: NewConnectionError")

    with opened(tmp_path / "r.jsonl", plan()) as (results, earlier):
        progress = run(plan(), pending(plan(), earlier), generate, results, at_once=2, backoff=Backoff(0.0001))
    assert progress.stopped == "no answer: NewConnectionError"
    assert (progress.answered, progress.failed) == (0, 0)


def test_a_half_line_is_dropped_and_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    sweep(path, plan(), answer)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    assert len(read(path)[1]) == 11
    assert sweep(path, plan(), answer).answered == 1
    assert len(read(path)[1]) == 12
    assert path.read_bytes().count(b"\n") == 13


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello", "is not a sweep's results file"),
        (b"hello\n", "line 1 is not a sweep's result"),
        (b'{"a": 1}\n', "line 1 is not"),
        (b'{"sweep": 2}\n', "line 1 is not"),
    ],
)
def test_a_file_that_is_none_is_left_alone(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(Failure, match=message):
        sweep(path, plan(), answer)
    assert path.read_bytes() == content


def changed(line: str, name: str, value: Any) -> str:
    """Return a line of a results file with another value in one of its members, or its first generation's."""
    document = json.loads(line)
    holder = document["generations"][0] if name not in document else document
    holder[name] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        (1, "environment", None),
        (1, "parameters", []),
        (1, "parameters", {"max_tokens": 3}),
        (1, "parameters", {"max_tokens": [[1]]}),
        (1, "mode", "each"),
        (1, "repeats", "2"),
        (1, "seed", {}),
        (1, "fixed", []),
        (1, "prompts", [{"id": [], "text": "A"}]),
        (1, "prompts", [{"id": "a", "text": None}]),
        (1, "prompts", None),
        (2, "call", "0"),
        (2, "prompt", []),
        (2, "parameters", None),
        (2, "parameters", {"max_tokens": [1]}),
        (2, "seconds", None),
        (2, "tokens_out", "many"),
        (2, "message", 3),
        (2, "generations", None),
        (2, "generations", [None]),
        (2, "text", None),
        (2, "likelihood", "high"),
        (2, "token_likelihoods", 3),
        (2, "token_likelihoods", ["high"]),
    ],
)
def test_a_line_that_somebody_edited_is_named(tmp_path: Path, line: int, name: str, value: Any) -> None:
    path = tmp_path / "r.jsonl"
    sweep(path, plan(), answer)
    lines = path.read_text("utf-8").splitlines()
    lines[line - 1] = changed(lines[line - 1], name, value)
    path.write_text("\n".join([*lines, ""]), "utf-8")
    with pytest.raises(Failure, match=f"line {line} is not a sweep's result"):
        read(path)


@pytest.mark.parametrize("line", ["null", "3", "[]", "{}", "[" * 100_000])
@pytest.mark.usefixtures("deep_nesting")
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "r.jsonl"
    sweep(path, plan(), answer)
    path.write_text(f"{path.read_text('utf-8')}{line}\n", "utf-8")
    with pytest.raises(Failure, match="line 14 is not a sweep's result"):
        read(path)


def test_a_sweep_that_was_called_off_does_not_keep_its_file(tmp_path: Path) -> None:
    """The next one, with other values, may have it: it holds no answer."""
    path = tmp_path / "r.jsonl"
    with opened(path, plan()):
        pass
    assert sweep(path, plan(repeats=2), answer).answered == 12 * 2
    assert read(path)[0].id == plan(repeats=2).id


def test_another_sweeps_file_a_file_in_use_and_no_file(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    sweep(path, plan(), answer)
    before = path.read_bytes()
    with pytest.raises(Failure, match=r"is of another sweep \(prompts, repeats differ\): name another file"):
        sweep(path, plan(prompts={"a": "A"}, repeats=2), answer)
    assert path.read_bytes() == before
    with opened(path, plan()), pytest.raises(Failure, match="another sweep is writing it"):
        sweep(path, plan(), answer)
    with pytest.raises(Failure, match=r"No such file or directory: name another file with --out"):
        sweep(tmp_path / "missing" / "r.jsonl", plan(), answer)
    with pytest.raises(Failure, match="No such file"):
        read(tmp_path / "missing.jsonl")


def test_what_utf_8_cannot_hold_is_written_and_read_again(tmp_path: Path) -> None:
    path, odd = tmp_path / "r.jsonl", plan(fixed={"stop_sequences": ["\udcff"]})
    assert sweep(path, odd, answer).answered == 12
    assert read(path)[0] == odd
    assert sweep(path, odd, answer).before == 12


def test_a_full_disk_is_reported_and_what_was_answered_stays(tmp_path: Path) -> None:
    """A limit on the file's size stands for the disk."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from endpointctl.failure import Failure, Lost, Unreachable
        from tests.unit.endpointctl.sweeps import answer, plan, sweep
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
        try:
            sweep(Path(sys.argv[1]), plan(), answer, at_once=1)
        except Failure as failure:
            print(failure)
        """
    )
    path = tmp_path / "r.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "make room and run it again; all before is kept" in done.stdout
    kept = len(read(path)[1])
    assert 0 < kept < 12
    assert path.read_bytes().endswith(b"\n")
    assert sweep(path, plan(), answer).answered == 12 - kept


def test_an_answer_is_on_the_disk_before_the_next_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, safe, fsync = tmp_path / "r.jsonl", [0], os.fsync
    unsafe: list[int] = []

    def record(descriptor: int) -> None:
        fsync(descriptor)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            safe[0] = os.fstat(descriptor).st_size

    monkeypatch.setattr(os, "fsync", record)
    with opened(path, plan()) as (results, _):
        for call in plan().calls:
            results.add(answered(call, answer("p")))
            unsafe.append(path.stat().st_size - safe[0])
    assert unsafe == [0] * 12
