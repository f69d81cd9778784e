"""Commands end with what they started, also when they ignore SIGTERM."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from local_aws.runner import processes
from local_aws.runner.journey import run
from tests.support.templates import ROOT

# Both the shell and its child ignore SIGTERM; the child's id tells when both are ready.
STUBBORN = "trap '' TERM; sleep 60 & echo $! > child.part; mv child.part child; wait"


def is_alive(process_id: int) -> bool:
    """Return whether a process lives; a zombie that nobody has waited for does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(process_id)], capture_output=True, text=True, check=False)
    return bool(done.stdout.strip()) and not done.stdout.strip().startswith("Z")


def child_of(folder: Path) -> int:
    until = time.monotonic() + 10
    while not (folder / "child").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    return int((folder / "child").read_text("utf-8"))


def gone(process_id: int) -> bool:
    until = time.monotonic() + 10
    while is_alive(process_id) and time.monotonic() < until:
        time.sleep(0.02)
    return not is_alive(process_id)


def start(folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sh", "-c", STUBBORN], cwd=folder, start_new_session=True)


@pytest.mark.parametrize("whole_group", [True, False])
def test_what_ignores_sigterm_is_killed_after_a_bounded_wait(tmp_path: Path, whole_group: bool) -> None:
    process = start(tmp_path)
    child = child_of(tmp_path)
    started = time.monotonic()
    processes.end(process, whole_group=whole_group, seconds=0.3)
    assert 0.3 <= time.monotonic() - started < 5
    assert process.returncode == -signal.SIGKILL
    assert gone(child)


def test_what_obeys_sigterm_is_not_killed(tmp_path: Path) -> None:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    processes.end(process, whole_group=True)
    assert process.returncode == -signal.SIGTERM


def test_a_process_that_has_ended_is_no_error() -> None:
    process = subprocess.Popen(["true"], start_new_session=True)
    process.wait()
    processes.end(process, whole_group=False)
    assert process.returncode == 0


def test_an_interrupted_command_that_ignores_sigterm_ends(tmp_path: Path) -> None:
    def interrupt() -> None:
        child_of(tmp_path)
        os.kill(os.getpid(), signal.SIGUSR1)

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGUSR1, stop)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            run(["sh", "-c", STUBBORN], os.environ, folder=tmp_path, end_seconds=0.3)
    finally:
        signal.signal(signal.SIGUSR1, former)
    assert gone(int((tmp_path / "child").read_text("utf-8")))


def test_a_command_that_is_interrupted_while_it_starts_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interrupt arrives before the caller knows the process."""
    original = subprocess.Popen

    def slow(*arguments: Any, **options: Any) -> Any:
        process = original(*arguments, **options)
        child_of(tmp_path)
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(0.3)
        return process

    monkeypatch.setattr(subprocess, "Popen", slow)

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGUSR1, stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(["sh", "-c", STUBBORN], os.environ, folder=tmp_path, end_seconds=0.3)
    finally:
        signal.signal(signal.SIGUSR1, former)
        monkeypatch.undo()
    assert gone(int((tmp_path / "child").read_text("utf-8")))


# As STUBBORN, in Python: a server that hangs, with a function's process.
HANGING = """
import signal, subprocess, sys, threading, time
from local_aws.server.parent import end_with_parent
signal.signal(signal.SIGTERM, signal.SIG_IGN)
threading.Thread(target=end_with_parent, args=(0.3,), daemon=True).start()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.DEVNULL)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_server_that_hangs_does_not_outlive_its_parent() -> None:
    """Nor do the processes of its functions, when nobody is left who could kill them."""
    server = subprocess.Popen(
        [sys.executable, "-c", HANGING],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert server.stdin
    assert server.stdout
    with server.stdout:
        child = int(server.stdout.readline())
        server.stdin.close()
        assert server.wait(10) == -signal.SIGKILL
    assert gone(child)
