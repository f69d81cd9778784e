"""A local cloud that is bootstrapped and deployed already, restored in two seconds instead of deployed in twenty.

The deployed state is made once and kept in ``.local-cloud/`` under a hash of everything that it was made from, so a
change of any of it makes it anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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
    with cloud.running(endpoint_seconds=endpoint_seconds, restored=state(endpoint_seconds)) as local:
        yield local


def state(endpoint_seconds: float = 0.3) -> Path:
    """Return the folder of the deployed state; make it first where it is missing or out of date.

    Raises:
        CloudError: the local cloud does not start.
        StepError: the bootstrap or the deployment failed.

    """
    RUNS.mkdir(exist_ok=True)
    with (RUNS / "deployed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers want it at once; one makes it
        wanted = RUNS / f"deployed-{_hash(endpoint_seconds)}"
        if not wanted.exists():
            with cloud.running(endpoint_seconds=endpoint_seconds, kept=wanted) as local:
                journey = Journey(local, Console(quiet=True))
                journey.bootstrap()
                journey.deploy()
            for old in set(RUNS.glob("deployed-*")) - {wanted}:
                shutil.rmtree(old)
    return wanted


def _hash(endpoint_seconds: float) -> str:
    found = hashlib.sha256(str(endpoint_seconds).encode())
    for name in _MADE_FROM:
        root = ROOT / name
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]
