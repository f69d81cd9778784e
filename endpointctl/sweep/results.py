"""A sweep's results on disk: JSON Lines, the plan first, then each answer as it arrives."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from io import FileIO
from pathlib import Path
from typing import Any

from endpointctl.failure import Failure
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.result import Result, header, plan_of, result_of


class Results:
    """A results file that is open for writing. Each line is on the disk before the next is written.

    Args:
        path: where.
        file: it, locked and without a buffer.

    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self._path = path
        self._file = file

    def add(self, result: Result) -> None:
        """Append one.

        Raises:
            Failure: the disk does not take it; what was written before stays.

        """
        self.write(asdict(result))

    def write(self, document: dict[str, Any]) -> None:
        """Append one line."""
        # Arguments of a command line may hold what UTF-8 cannot; json.loads reads it again.
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        line = text.encode("utf-8", "surrogatepass") + b"\n"
        place = self._file.fileno()
        before = os.fstat(place).st_size
        try:
            while line:
                line = line[os.write(place, line) :]
            os.fsync(place)
        except OSError as error:
            with suppress(OSError):  # reading drops half a line
                os.ftruncate(place, before)
            raise Failure(f"{self._path}: {error.strerror}: make room and run it again; all before is kept") from None


@contextmanager
def opened(path: Path, plan: Plan) -> Iterator[tuple[Results, dict[int, Result]]]:
    """Open a results file for a plan: a new one, or one to continue; yield it and the last result of each call in it.

    Raises:
        Failure: it is another sweep's, another process writes it, or it cannot be written.

    """
    try:
        file = path.open("a+b", buffering=0)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}: name another file with --out") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failure(f"{path}: another sweep is writing it: wait for it, or name another file") from None
        found: dict[int, Result] = {}
        results = Results(path, file)
        if path.stat().st_size:
            theirs, found, length = _read(path)
            if theirs.id != plan.id and not found:
                length = 0  # it was called off before its first call: there is nothing to lose
            elif theirs.id != plan.id:
                raise Failure(
                    f"{path}: is of another sweep ({_difference(theirs, plan)}): name another file with --out"
                )
            os.ftruncate(file.fileno(), length)
        if not path.stat().st_size:
            results.write(header(plan))
        yield results, found


def read(path: Path) -> tuple[Plan, list[Result]]:
    """Read a results file; the last line of a call counts, in the order of the plan.

    Raises:
        Failure: it is not a results file, or a line other than the last is damaged.

    """
    plan, found, _ = _read(path)
    return plan, [found[number] for number in sorted(found)]


def _read(path: Path) -> tuple[Plan, dict[int, Result], int]:
    """Return plan, results and how many bytes of the file are whole lines."""
    found: dict[int, Result] = {}
    plan: Plan | None = None
    length = number = 0
    try:
        with path.open("rb") as file:
            for line in file:
                number += 1
                if not line.endswith(b"\n"):
                    break  # a killed run was writing it
                document = json.loads(line)
                if plan is None:
                    plan = plan_of(document)
                else:
                    result = result_of(document)
                    found[result.call] = result
                length += len(line)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}: name a results file of `endpointctl sweep`") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Failure(f"{path}: line {number} is not a sweep's result: name another file") from None
    if plan is None and length == 0 and path.stat().st_size:
        raise Failure(f"{path}: is not a sweep's results file: name another file")
    if plan is None:
        raise Failure(f"{path}: is empty: run `endpointctl sweep` first")
    return plan, found, length


def _difference(theirs: Plan, ours: Plan) -> str:
    before, after = asdict(theirs), asdict(ours)
    return ", ".join(name for name in after if before[name] != after[name]) + " differ"
