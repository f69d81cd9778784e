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
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import delivery, environments, function, local_cloud, plan, streams, sweeps, translation

ROOT = Path(__file__).parent.parent
CDK = str(ROOT / "node_modules" / ".bin" / "cdk")
# With warm caches, as users have them: without Python's, our modules would be compiled anew by every run.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the synth comparison (default 5)")
    kinds = (
        "synth",
        "environments",
        "plan",
        "function",
        "translation",
        "streams",
        "sweep",
        "cloud",
        "delivery",
        "demo",
        "test",
        "deployed",
    )
    parser.add_argument("--only", choices=kinds, help="measure only one of them")
    wanted = parser.parse_args()
    table = Table("what", "median, s; or ratio", "min-max", "limit")
    if wanted.only in (None, "synth"):
        _synth(table, wanted.rounds)
    if wanted.only in (None, "environments"):
        for row in environments.rows(_seconds, CDK, wanted.rounds):
            table.add_row(*row)
    if wanted.only in (None, "plan"):
        for row in plan.rows(_seconds, CDK, wanted.rounds):
            table.add_row(*row)
    if wanted.only in (None, "function"):
        for row in function.rows():
            table.add_row(*row)
    if wanted.only in (None, "translation"):
        for row in translation.rows():
            table.add_row(*row)
    if wanted.only in (None, "streams"):
        for row in streams.rows():
            table.add_row(*row)
    if wanted.only in (None, "sweep"):
        for row in sweeps.rows():
            table.add_row(*row)
    if wanted.only in (None, "cloud"):
        for row in local_cloud.rows():
            table.add_row(*row)
    if wanted.only in (None, "delivery"):
        for row in delivery.rows(ENVIRONMENT, CDK):
            table.add_row(*row)
    for target, limit in (("demo", 50), ("test", 150)):
        if wanted.only in (None, target):
            seconds = _seconds(["make", "--no-print-directory", target])
            table.add_row(f"make {target}", f"{seconds:.1f}", "one run", f"{limit} s")
    if wanted.only in (None, "deployed"):
        command = [sys.executable, "-m", "pytest", "-q", "-n", "3", "--dist", "loadfile", "tests/deployed"]
        table.add_row("tests/deployed", f"{_seconds(command):.1f}", "one run", "360 s")
    Console(width=100).print(table)


def _synth(table: Table, rounds: int) -> None:
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
        table.add_row(f"synth of {name} ({rounds} rounds)", f"{statistics.median(measured):.2f}", span, "")
    ours, bare = (statistics.median(measured) for measured in times.values())
    table.add_row("ratio", f"{ours / bare:.2f}", "", "1.3")


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


if __name__ == "__main__":
    main()
