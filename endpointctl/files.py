"""Files that a command writes: never one that it reads, never one that exists, never half of one."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from endpointctl.failure import Failure


def same_file(one: Path, other: Path) -> bool:
    """Return whether two paths name one file: by symbolic links, hard links, or ways of writing the path."""
    if Path(os.path.realpath(one)) == Path(os.path.realpath(other)):
        return True
    try:
        return one.samefile(other)
    except OSError:
        return False


def check_targets(inputs: Sequence[Path], targets: Mapping[str, Path], *, force: bool) -> None:
    """Refuse to write over what must stay.

    Args:
        inputs: the files that the command reads.
        targets: the files that it writes, by the option that names each.
        force: whether a target may replace a file that exists.

    Raises:
        Failure: a target is an input, another target, no regular file, or, without ``force``, exists.

    """
    seen: list[Path] = []
    for option, target in targets.items():
        if any(same_file(target, one) for one in inputs):
            raise Failure(f"{option}: {target} is the file that is read: name another file with {option}")
        if any(same_file(target, one) for one in seen):
            raise Failure(f"{option}: {target} is written already: name another file with {option}")
        seen.append(target)
        if not os.path.lexists(target):
            continue
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            raise Failure(f"{option}: {target} is not a regular file: name another file with {option}")
        if not force:
            raise Failure(f"{option}: {target} exists: name another file with {option}, or replace it with --force")


def write(
    contents: Mapping[Path, str], *, force: bool, remedy: str = "name another file, or replace it with --force"
) -> None:
    """Write several files as UTF-8: each one completely or not at all.

    Each is written beside its target, flushed to the disk and renamed. What UTF-8 cannot hold becomes ``?``.

    Args:
        contents: the text of each file.
        force: whether a file that exists is replaced.
        remedy: what to do about a file that has appeared meanwhile.

    Raises:
        Failure: the disk refuses it, or a file has appeared meanwhile.

    """
    temporary: dict[Path, Path] = {}
    path = Path()
    try:
        for path, text in contents.items():
            temporary[path] = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
            _write_new(temporary[path], text.encode("utf-8", "replace"))
        for path, written in temporary.items():
            _publish(written, path, force=force)
    except FileExistsError:
        raise Failure(f"{path}: has appeared meanwhile: {remedy}") from None
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}: name another file") from None
    finally:
        for written in temporary.values():
            with suppress(OSError):
                written.unlink()


def _write_new(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _publish(written: Path, path: Path, *, force: bool) -> None:
    if force:
        written.replace(path)
        return
    try:
        path.hardlink_to(written)  # unlike a rename, it never replaces a file
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with path.open("xb"):
            pass
        written.replace(path)
