"""A sweep against the deployed proxy: throttled, failing and slow, killed in the middle, and complete in the end."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from endpointctl.sweep.results import read
from local_aws.conditions import Conditions, Fault
from stacks.settings import ENVIRONMENTS
from tests.support.cloud import Deployed, environment_of

ROOT = ENVIRONMENTS.parent
PROMPT = "Write a LinkedIn post about starting a career in tech:"


def command(path: Path, *more: str) -> list[str]:
    options = [
        "--env",
        "local",
        "--prompt",
        PROMPT,
        "--max-tokens",
        "10:30:10",
        "--temperature",
        "0:3",
        "--repeats",
        "3",
    ]
    return [sys.executable, "-m", "endpointctl", "sweep", *options, "--seed", "1", "--yes", "--out", str(path), *more]


def wait_for(process: subprocess.Popen[bytes], path: Path, lines: int) -> None:
    """Wait until the sweep has written so many lines."""
    until = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < lines:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_sweep_through_faults_and_a_kill_ends_with_exactly_the_planned_set(
    deployed: Deployed, account: Callable[[Conditions], None], tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    faults = (
        Fault("ThrottlingException", share=0.2),
        Fault("ServiceUnavailable", share=0.1),
        Fault("ModelError500", skip=5, times=2),
    )
    account(Conditions(faults=faults, answer_seconds=0.1))
    process = subprocess.Popen(command(path), cwd=ROOT, env=environment_of(deployed), stdout=subprocess.DEVNULL)
    wait_for(process, path, lines=8)
    process.kill()
    process.wait()
    kept = {one.call for one in read(path)[1] if one.ok}
    assert 0 < len(kept) < 36

    account(Conditions(faults=(Fault("ThrottlingException", share=0.2),)))
    done = subprocess.run(
        command(path), cwd=ROOT, env=environment_of(deployed), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(kept)} of them are answered already" in done.stdout
    plan, found = read(path)
    assert {one.call for one in found} == {call.number for call in plan.calls} == set(range(36))
    assert all(one.ok for one in found)
    for one in found:
        assert [text.tokens for text in one.generations] == [one.parameters["max_tokens"]]
    # With equal seeds and values the stand-in returns the same text, in whichever run.
    texts = {one.call: one.generations[0].text for one in found}
    assert len({texts[call.number] for call in plan.calls if call.parameters["temperature"] == 0}) == 3
    report = [sys.executable, "-m", "endpointctl", "report", str(path), "--prefer", "most-likely"]
    printed = subprocess.run(
        report, cwd=ROOT, env=environment_of(deployed), capture_output=True, text=True, check=True
    ).stdout
    assert "36 of 36 calls were answered." in printed
    assert "most-likely: max_tokens" in printed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_sweep_that_is_terminated_keeps_the_answers_in_flight(
    deployed: Deployed, account: Callable[[Conditions], None], tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "r.jsonl"
    account(Conditions(answer_seconds=0.3))
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
    try:
        process = subprocess.Popen(
            command(path), cwd=ROOT, env=environment_of(deployed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for(process, path, lines=3)
    process.send_signal(number)
    assert process.wait(timeout=60) == 1
    found = read(path)[1]
    assert all(one.ok for one in found)
    assert 2 <= len(found) < 36


def test_a_sweep_of_an_endpoint_that_refuses_the_caller_says_so_at_once(deployed: Deployed, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    elsewhere = {**environment_of(deployed), "AWS_ACCESS_KEY_ID": "ASIANOBODY", "AWS_SECRET_ACCESS_KEY": "x"}
    done = subprocess.run(command(path), cwd=ROOT, env=elsewhere, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1


def test_directly_through_the_endpoint(deployed: Deployed, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    done = subprocess.run(
        command(path, "--direct"), cwd=ROOT, env=environment_of(deployed), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(read(path)[1]) == 36
