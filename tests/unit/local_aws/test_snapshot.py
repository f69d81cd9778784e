"""A snapshot is not removed while another process copies it."""

import fcntl
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local_aws.runner import cloud, snapshot


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for snapshots, whose names depend on the duration only; making one takes no time."""

    @contextmanager
    def running(
        *, kept: Path | None = None, restore: Callable[[Path], object] | None = None, **_: object
    ) -> Iterator[Path]:
        folder = tmp_path / f"run-{threading.get_ident()}"
        folder.mkdir(exist_ok=True)
        if restore:
            restore(folder)
        yield folder
        if kept:
            kept.mkdir()
            (kept / "state").write_text(kept.name, "utf-8")

    class NoJourney:
        def __init__(self, *_: object) -> None:
            pass

        def bootstrap(self) -> None:
            pass

        deploy = bootstrap

    monkeypatch.setattr(snapshot, "RUNS", tmp_path)
    monkeypatch.setattr(snapshot, "_folder", lambda seconds: tmp_path / f"deployed-{seconds}")
    monkeypatch.setattr(snapshot, "Journey", NoJourney)
    monkeypatch.setattr(cloud, "running", running)
    return tmp_path


def lockable(runs: Path) -> bool:
    """Return whether nobody holds the lock."""
    with (runs / "deployed.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_a_new_state_replaces_the_old_one(runs: Path) -> None:
    old = snapshot.state(1)
    new = snapshot.state(2)
    assert (old.exists(), new.exists()) == (False, True)


def test_a_state_stays_while_it_is_copied(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copytree, copying, go_on = shutil.copytree, threading.Event(), threading.Event()

    def slow_copy(*arguments: Any, **named: Any) -> object:
        copying.set()
        assert go_on.wait(10)
        return copytree(*arguments, **named)

    monkeypatch.setattr(shutil, "copytree", slow_copy)
    restored: list[str] = []

    def restore() -> None:
        with snapshot.deployed(endpoint_seconds=1) as folder:
            restored.append((folder / "state").read_text("utf-8"))  # type: ignore[operator]

    copier = threading.Thread(target=restore)
    copier.start()
    assert copying.wait(10)
    remover = threading.Thread(target=snapshot.state, args=(2,))
    remover.start()
    remover.join(0.3)
    assert (runs / "deployed-1").exists(), "the other process waits for the copy"
    go_on.set()
    copier.join(10)
    remover.join(10)
    assert restored == ["deployed-1"]
    assert not (runs / "deployed-1").exists()
    assert lockable(runs)


def test_a_state_that_another_process_removed_is_made_again(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = snapshot.state

    def state_and_removal(seconds: float) -> Path:
        folder = made(seconds)
        shutil.rmtree(folder)
        return folder

    monkeypatch.setattr(snapshot, "state", state_and_removal)
    with snapshot.deployed(endpoint_seconds=1) as folder:
        assert (folder / "state").read_text("utf-8") == "deployed-1"  # type: ignore[operator]
