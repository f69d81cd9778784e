"""A sweep: its values, its plan, its file, and how it bears a busy endpoint, one that is gone, and Ctrl-C."""

import itertools
import json
import os
import re
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
from endpointctl.failure import Failure, Lost, Unreachable
from endpointctl.refused import EndpointAway, NotAllowed, Throttled, WrongRequest
from endpointctl.sweep import command, prompts
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.ranges import numbers
from endpointctl.sweep.results import opened, read
from endpointctl.sweep.run import Brake, Progress, run
from stacks.settings import ENVIRONMENTS

ROOT = ENVIRONMENTS.parent


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("100:500:100", [100, 200, 300, 400, 500]),
        ("0:5", [0, 1, 2, 3, 4, 5]),
        ("0,0.5,1", [0, 0.5, 1]),
        ("0:1:0.1", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        ("1:2:0.4", [1, 1.4, 1.8]),
        ("5, 1:2 ,1", [5, 1, 2]),
        ("-1:1", [-1, 0, 1]),
        ("1e2", [100]),
    ],
)
def test_ranges(text: str, values: list[float]) -> None:
    found = numbers("--x", text)
    assert found == values
    assert [type(one) for one in found] == [int if one == int(one) else float for one in values]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no number"),
        ("many", "is no number"),
        ("1:2:3:4", "more than three parts"),
        ("5:1", "never ends"),
        ("1:5:0", "never ends"),
        ("1:5:-1", "never ends"),
        ("nan", "is not finite"),
        ("0:inf", "is not finite"),
        ("0:1:0.00001", "allowed: at most 10000"),
        ("0:6000,7000:12000", "more than 10000 values"),
    ],
)
def test_ranges_that_are_none(text: str, said: str) -> None:
    with pytest.raises(Failure, match=f"^--x: .*{said}.*allowed:|^--x: .*{said}"):
        numbers("--x", text)


def plan(**changes: Any) -> Plan:
    given: dict[str, Any] = {
        "environment": "dev",
        "parameters": {"max_tokens": [100, 200], "temperature": [0, 0.5, 1]},
        "prompts": {"a": "A", "b": "B"},
        **changes,
    }
    return Plan(**given)


def test_a_product_asks_each_with_each_and_repetitions_last() -> None:
    wanted = plan(repeats=2, seed=7)
    calls = wanted.calls
    assert (len(calls), wanted.count, wanted.most_tokens) == (24, 24, 2 * 2 * 3 * 300)
    assert [call.number for call in calls] == list(range(24))
    assert calls[0].parameters == {"max_tokens": 100, "temperature": 0, "seed": 7}
    assert calls[-1].parameters == {"max_tokens": 200, "temperature": 1, "seed": 8}
    assert {call.repeat for call in calls[:12]} == {0}
    asked = {(c.prompt, c.repeat, *c.parameters.values()) for c in calls}
    assert len(asked) == 24


def test_a_zip_asks_first_with_first() -> None:
    wanted = plan(mode="zip", parameters={"max_tokens": [1, 2], "k": [3, 4]}, fixed={"num_generations": 3})
    assert [call.parameters for call in wanted.calls[:2]] == [{"max_tokens": 1, "k": 3}, {"max_tokens": 2, "k": 4}]
    assert (wanted.count, wanted.most_tokens) == (4, 18)
    assert wanted.fields(wanted.calls[0]) == {"num_generations": 3, "max_tokens": 1, "k": 3}
    assert plan(parameters={}).count == 2
    assert plan(parameters={"k": [1]}).most_tokens is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mode": "zip"}, "--zip: .*max_tokens 2, temperature 3"),
        ({"repeats": 0}, "--repeats: 0 is too few"),
        ({"repeats": 100_000}, "allowed: at most 100000"),
    ],
)
def test_plans_that_are_none(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Failure, match=said):
        plan(**changes)


def test_the_id_is_of_all_that_is_asked() -> None:
    ids = {plan(**changes).id for changes in ({}, {"seed": 1}, {"prompts": {"a": "A", "b": "C"}}, {"repeats": 2})}
    assert len(ids) == 4
    assert plan().id == plan().id


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("p.txt", "one\n\ntwo\n", {"1": "one", "2": "two"}),
        ("p.csv", 'id,prompt\nx,"one, two"\n,three\n', {"x": "one, two", "2": "three"}),
        ("p.jsonl", '{"prompt": "a\\nb"}\n{"id": "y", "prompt": "c"}\n', {"1": "a\nb", "y": "c"}),
    ],
)
def test_files_of_prompts(tmp_path: Path, name: str, content: str, found: dict[str, str]) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    assert prompts.read(tmp_path / name) == found


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.txt", "\n \n", "holds no prompt"),
        ("p.csv", "id,text\n1,a\n", "has no column 'prompt'; it has: id, text"),
        ("p.csv", "", "has no column 'prompt'; it has: none"),
        ("p.csv", "prompt,id\na,1\n,2\n", "row 2 has no prompt"),
        ("p.jsonl", '{"prompt": 1}\n', "row 1 has no prompt"),
        ("p.jsonl", "[]\n", "row 1 is no JSON object"),
        ("p.jsonl", '{"id": 1, "prompt": "a"}\n{"id": "1", "prompt": "b"}\n', "the id '1' stands twice"),
        ("p.txt", b"\xff", "give a file of UTF-8 text"),
    ],
)
def test_files_that_hold_no_prompts(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Failure, match=said):
        prompts.read(tmp_path / name)


def body(text: str = "t") -> dict[str, Any]:
    tokens = [{"token": "t", "likelihood": -0.5}, {"token": "u", "likelihood": -1.5}]
    return {"generations": [{"text": text, "likelihood": -1.0, "token_likelihoods": tokens}]}


def answer(prompt: str, **fields: Any) -> Completion:
    return Completion(body(f"{prompt} {fields}"), 0.25)


def sweep(path: Path, wanted: Plan, generate: Any, at_once: int = 4) -> Progress:
    with opened(path, wanted) as (results, done):
        return run(wanted, generate, results, done, at_once=at_once, brake=Brake(0.02))


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


def test_all_workers_wait_together() -> None:
    brake = Brake(0.2)
    brake.pull(None)
    first = brake.left
    brake.pull(5.0)
    assert 0 < brake.left <= first <= 0.25, "who is refused at the same time pulls it once"
    time.sleep(first)
    brake.pull(None)
    assert 0.4 <= brake.left + 0.01 <= 0.52, "the next pause is longer"
    time.sleep(brake.left)
    brake.release()
    brake.pull(None)
    assert brake.left <= 0.25
    time.sleep(brake.left)
    brake.pull(1.0)
    assert 0.99 <= brake.left <= 1.25, "Retry-After counts"


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

    with opened(tmp_path / "r.jsonl", plan()) as (results, done):
        progress = run(plan(), generate, results, done, at_once=2, brake=Brake(0.0001))
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
    ("content", "said"),
    [
        (b"hello", "is no results file"),
        (b"hello\n", "line 1 is no line of a sweep's results"),
        (b'{"a": 1}\n', "line 1 is no line"),
        (b'{"sweep": 2}\n', "line 1 is no line"),
    ],
)
def test_a_file_that_is_none_is_left_alone(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(Failure, match=said):
        sweep(path, plan(), answer)
    assert path.read_bytes() == content


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


def test_a_full_disk_is_said_and_what_was_answered_stays(tmp_path: Path) -> None:
    """A limit on the file's size stands for the disk."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from endpointctl.failure import Failure, Lost, Unreachable
        from tests.unit.endpointctl.test_sweep import answer, plan, sweep
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


SLOW = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from tests.unit.endpointctl.test_sweep import answer, plan, sweep
    def generate(prompt, **fields):
        time.sleep(0.2)
        return answer(prompt, **fields)
    print("begun", flush=True)
    progress = sweep(Path(sys.argv[1]), plan(repeats=3), generate, at_once=2)
    print(progress.answered, progress.stopped, flush=True)
    """
)


def start(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SLOW, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    until = time.monotonic() + 20
    while not path.exists() or path.read_bytes().count(b"\n") < 4:
        assert time.monotonic() < until
        time.sleep(0.01)
    return process


def test_ctrl_c_waits_for_what_is_on_its_way_and_sends_no_more(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    process = start(path)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    answered, stopped = out.split()
    assert stopped == "interrupted"
    assert 0 < int(answered) < 36
    assert len(read(path)[1]) == int(answered)


def test_a_killed_run_loses_nothing_that_was_answered_and_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    process = start(path)
    process.kill()
    process.wait()
    kept = {one.call for one in read(path)[1]}
    assert 0 < len(kept) < 36
    asked: list[Any] = []

    def generate(prompt: str, **fields: Any) -> Completion:
        asked.append(prompt)
        return answer(prompt, **fields)

    sweep(path, plan(repeats=3), generate)
    assert len(asked) == 36 - len(kept)
    assert {one.call for one in read(path)[1]} == set(range(36))


@pytest.fixture
def sitting(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A client that answers at once; returns what it was asked."""
    asked: list[Any] = []

    class Sitting:
        def generate(self, prompt: str, **fields: Any) -> Completion:
            asked.append((prompt, fields))
            return answer(prompt, **fields)

    monkeypatch.setattr(command, "_client", lambda *_, **__: Sitting())
    return asked


def test_the_command(tmp_path: Path, sitting: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.jsonl"
    wanted: dict[str, Any] = {"prompt": "p", "env": "local", "max_tokens": "100:500:100", "temperature": "0:5:1"}
    command.sweep(path, **wanted, dry_run=True)
    assert not path.exists()
    assert sitting == []
    told = capsys.readouterr().out
    assert "30 calls: max_tokens 5 x temperature 6" in told
    assert "at most 9000 tokens" in told
    assert "1 ml.g5.xlarge cost about 0.04 USD" in told
    command.sweep(path, **wanted, yes=True)
    combinations = set(itertools.product(range(100, 600, 100), range(6)))
    assert {(fields["max_tokens"], fields["temperature"]) for _, fields in sitting} == combinations
    assert all(fields["return_likelihoods"] == "GENERATION" for _, fields in sitting)
    assert "30 of 30 calls are answered, 0 failed" in capsys.readouterr().out
    command.sweep(path, **wanted)
    assert "all 30 calls are answered" in capsys.readouterr().out
    assert len(sitting) == 30


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "give one of them"),
        ({"prompt": "p", "prompts": Path("x")}, "give one of them"),
        ({"prompt": " "}, "--prompt: is empty"),
        ({"prompt": "p", "temperature": "5:0"}, "--temperature: '5:0' never ends"),
    ],
)
def test_a_command_that_is_wrong(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(Failure, match=said):
        command.sweep(tmp_path / "r.jsonl", **options, env="local", yes=True)
    assert json.dumps([str(path) for path in tmp_path.iterdir()]) == "[]"
