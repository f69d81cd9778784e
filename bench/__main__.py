"""``make bench``: whole-process wall times, both sides of a ratio in one run and in turn, medians.

Ratios compare across machines; seconds do not. Runs take some minutes; nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import delivery, doctor, environments, function, local_cloud, plan, power, streams, sweeps, translation

Row = tuple[str, str, str, str]
ROOT = Path(__file__).parent.parent
CDK = str(ROOT / "node_modules" / ".bin" / "cdk")
# With warm caches, as users have them: without Python's, our modules would be compiled anew by every run.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the comparisons of whole synths (default 5)")
    parser.add_argument("--only", choices=KINDS, help="measure only one of them")
    wanted = parser.parse_args()
    table = Table("what", "median, s; or ratio", "min-max", "limit")
    for name, rows in KINDS.items():
        if wanted.only in (None, name):
            for row in rows(wanted.rounds):
                table.add_row(*row)
    Console(width=100).print(table)


def _synth(rounds: int) -> Iterator[Row]:
    """Compare the synth of one environment with a bare app's: one run of each unrecorded, then in turn."""
    apps = {"dev": ("app.py", ["-c", "environment=dev"]), "a bare app of the same": ("bench/bare_app.py", [])}
    times: dict[str, list[float]] = {name: [] for name in apps}
    for number in range(rounds + 1):
        for name, (app, options) in apps.items():
            folder = tempfile.mkdtemp()
            command = [CDK, "synth", "**", "--quiet", "--app", f"{sys.executable} {app}", "--output", folder, *options]
            seconds = _seconds(command)
            shutil.rmtree(folder)
            if number:
                times[name].append(seconds)
    for name, measured in times.items():
        span = f"{min(measured):.2f}-{max(measured):.2f}"
        yield f"synth of {name} ({rounds} rounds)", f"{statistics.median(measured):.2f}", span, ""
    ours, bare = (statistics.median(measured) for measured in times.values())
    yield "ratio", f"{ours / bare:.2f}", "", "1.3"


def _once(what: str, command: list[str], limit: int) -> Iterator[Row]:
    yield what, f"{_seconds(command):.1f}", "one run", f"{limit} s"


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


KINDS: Final[dict[str, Callable[[int], Iterable[Row]]]] = {
    "synth": _synth,
    "environments": lambda rounds: environments.rows(_seconds, CDK, rounds),
    "function": lambda _: function.rows(),
    "translation": lambda _: translation.rows(),
    "streams": lambda _: streams.rows(),
    "sweep": lambda _: sweeps.rows(),
    "cloud": lambda _: local_cloud.rows(),
    "delivery": lambda _: delivery.rows(ENVIRONMENT, CDK),
    "plan": lambda rounds: plan.rows(_seconds, CDK, rounds),
    "doctor": lambda _: doctor.rows(),
    "power": lambda _: power.rows(),
    "demo": lambda _: _once("make demo", ["make", "--no-print-directory", "demo"], 50),
    "test": lambda _: _once("make test", ["make", "--no-print-directory", "test"], 150),
    "deployed": lambda _: _once(
        "tests/deployed", [sys.executable, "-m", "pytest", "-q", "-n", "3", "--dist", "loadfile", "tests/deployed"], 360
    ),
}
"""What can be measured, in this order: the name, and what yields its rows, given the number of rounds."""


if __name__ == "__main__":
    main()
