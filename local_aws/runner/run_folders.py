"""The scratch folders of the local clouds of this checkout: ``.local-cloud/run-<process id>-<random>``."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


def create(runs: Path) -> Path:
    """Create a folder for a local cloud of this process."""
    runs.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=runs))


def living(runs: Path) -> Iterator[Path]:
    """Yield the folders whose process lives."""
    return (folder for folder in runs.glob("run-*") if _is_alive(folder))


def remove_orphans(runs: Path) -> None:
    """Remove the folders of processes that were killed and could not remove them."""
    for folder in runs.glob("run-*"):
        if not _is_alive(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(folder: Path) -> bool:
    try:
        os.kill(int(folder.name.split("-")[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it belongs to another user
    return True
