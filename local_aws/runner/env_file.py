"""``.local-cloud/env``: the variables of the newest local cloud that ``make local`` runs.

Each local cloud writes a file in its own folder, and ``.local-cloud/env`` is a symbolic link to one of them. So a local
cloud never changes the file of another, and the link always leads to a cloud that runs: when the newest one ends, or is
killed, the next refresh sets the link to the newest of the others.
"""

from __future__ import annotations

import fcntl
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from local_aws.runner import run_folders
from local_aws.runner.cloud import RUNS, Cloud

NAME: Final = "env"


@contextmanager
def published(local: Cloud, runs: Path = RUNS) -> Iterator[Path]:
    """Publish a local cloud's variables for as long as the context lasts; yield the cloud's own file.

    Args:
        local: the local cloud.
        runs: the folder of the link.

    """
    own = local.folder / NAME
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in local.variables().items())
    own.write_text("".join(lines), encoding="utf-8")
    refresh(runs)
    try:
        yield own
    finally:
        own.unlink(missing_ok=True)
        refresh(runs)


def refresh(runs: Path = RUNS) -> None:
    """Set the link to the newest file of a local cloud that runs; remove it when none runs."""
    if not runs.is_dir():
        return  # `make clean` has removed it
    link = runs / NAME
    with (runs / "env.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max(_files(runs), default=None)
        if not newest:
            link.unlink(missing_ok=True)
            return
        draft = runs / f"env.{os.getpid()}"
        draft.unlink(missing_ok=True)
        draft.symlink_to(newest[1].relative_to(runs))
        draft.replace(link)


def _files(runs: Path) -> Iterator[tuple[int, Path]]:
    """Yield the files of the local clouds that run, with the time of each."""
    for folder in run_folders.living(runs):
        # The cloud may not have published yet, or may be ending.
        with suppress(FileNotFoundError):
            yield (folder / NAME).stat().st_mtime_ns, folder / NAME
