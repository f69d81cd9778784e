"""A local cloud on which the local environment is deployed, restored in two seconds instead of deployed in twenty.

The deployed state is made once and kept in ``.local-cloud/``, under a hash of all files that it depends on. A change of
one of them makes the state anew.

A lock on ``.local-cloud/deployed.lock`` protects the states: exclusive to make or remove one, shared to copy one.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

from local_aws.runner import cloud
from local_aws.runner.cloud import ROOT, RUNS, Cloud
from local_aws.runner.journey import Journey

_MADE_FROM = (
    *("app.py", "cdk.json", "package-lock.json", "requirements.txt", "environments/local.yaml"),
    *("constructs", "lambda", "local_aws", "stacks"),
)


@contextmanager
def deployed(*, endpoint_seconds: float = 0.3) -> Iterator[Cloud]:
    """Run a local cloud on which the local environment is deployed, as ``make demo`` deploys it.

    Args:
        endpoint_seconds: how long an endpoint takes to be created, updated or deleted.

    Raises:
        CloudError: the local cloud does not start.
        StepError: the bootstrap or the deployment failed.

    """
    restore = partial(_restore, state(endpoint_seconds), endpoint_seconds)
    with cloud.running(endpoint_seconds=endpoint_seconds, restore=restore) as local:
        yield local


def state(endpoint_seconds: float = 0.3) -> Path:
    """Return the folder of the deployed state; make the state when it is missing or out of date.

    Raises:
        CloudError: the local cloud does not start.
        StepError: the bootstrap or the deployment failed.

    """
    folder = _folder(endpoint_seconds)
    with _locked(fcntl.LOCK_EX):  # several workers need it at the same time; one makes it
        _make_missing(folder, endpoint_seconds)
    return folder


def _restore(folder: Path, endpoint_seconds: float, run: Path) -> None:
    """Copy the deployed state into the folder of a run."""
    with _locked(fcntl.LOCK_SH):
        if folder.exists():
            shutil.copytree(folder, run, dirs_exist_ok=True)
            return
    # Another process has removed it since it was made.
    with _locked(fcntl.LOCK_EX):
        _make_missing(folder, endpoint_seconds)
        shutil.copytree(folder, run, dirs_exist_ok=True)


def _make_missing(folder: Path, endpoint_seconds: float) -> None:
    """Make a state and remove the others; the caller holds the exclusive lock."""
    if folder.exists():
        return
    with cloud.running(endpoint_seconds=endpoint_seconds, kept=folder) as local:
        journey = Journey(local, Console(quiet=True))
        journey.bootstrap()
        journey.deploy()
    for old in set(RUNS.glob("deployed-*")) - {folder}:
        shutil.rmtree(old)


@contextmanager
def _locked(kind: int) -> Iterator[None]:
    RUNS.mkdir(exist_ok=True)
    with (RUNS / "deployed.lock").open("a") as lock:
        fcntl.flock(lock, kind)
        yield


def _folder(endpoint_seconds: float) -> Path:
    digest = hashlib.sha256(str(endpoint_seconds).encode())
    for name in _MADE_FROM:
        root = ROOT / name
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return RUNS / f"deployed-{digest.hexdigest()[:16]}"
