"""The doctor on the local cloud, against the quick check that other targets begin with: whole processes, in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from local_aws.runner import snapshot

_ROUNDS: Final = 7
_LIMIT_SECONDS: Final = 5
_ROOT: Final = Path(__file__).parent.parent
Row = tuple[str, str, str, str]


def rows() -> Iterator[Row]:
    """Yield what, median, span and limit: of both, and of their ratio."""
    times: dict[str, list[float]] = {"doctor": [], "check": []}
    with snapshot.deployed() as local:
        environment = local.environment()
        for number in range(_ROUNDS + 1):
            for command, measured in times.items():
                begin = time.perf_counter()
                line = [sys.executable, "-m", "endpointctl", command, "--env", "local"]
                subprocess.run(line, cwd=_ROOT, env=environment, check=True, capture_output=True)
                if number:
                    measured.append(time.perf_counter() - begin)
    for command, measured in times.items():
        span = f"{min(measured):.2f}-{max(measured):.2f}"
        limit = f"{_LIMIT_SECONDS} s" if command == "doctor" else ""
        yield f"endpointctl {command} ({_ROUNDS} rounds)", f"{statistics.median(measured):.2f}", span, limit
    ours, check = (statistics.median(measured) for measured in times.values())
    yield "ratio", f"{ours / check:.2f}", "", ""
