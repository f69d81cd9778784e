"""Synthesizes twenty environments that extend one file, or the first of them: ``python -m bench.environments 20``.

``rows`` compares both as whole processes of the CDK CLI, in turn.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import yaml

import app
from stacks import settings

MANY = 20
Row = tuple[str, str, str, str]


def rows(seconds: Callable[[list[str]], float], cdk: str, rounds: int) -> Iterator[Row]:
    """Yield what, median, span and limit.

    Args:
        seconds: runs a command, and returns how long it took.
        cdk: the CDK CLI.
        rounds: how many of both; one more is not recorded.

    """
    times: dict[int, list[float]] = {1: [], MANY: []}
    for number in range(rounds + 1):
        for count, measured in times.items():
            with tempfile.TemporaryDirectory() as folder:
                program = f"{sys.executable} -m bench.environments {count}"
                took = seconds([cdk, "synth", "**", "--quiet", "--app", program, "--output", folder])
            if number:
                measured.append(took)
    for count, measured in times.items():
        what = f"synth of {count} that extend one file ({rounds} rounds)"
        yield what, f"{median(measured):.2f}", f"{min(measured):.2f}-{max(measured):.2f}", ""
    yield f"ratio of {MANY} to one", f"{median(times[MANY]) / median(times[1]):.2f}", "", "1.6"


def write(folder: Path, count: int) -> None:
    """Write the files of a team, each with its own name and account over the file that all extend."""
    base = yaml.safe_load((settings.ENVIRONMENTS / "dev.yaml").read_text("utf-8"))
    (folder / "defaults").mkdir()
    (folder / "defaults" / "team.yaml").write_text(yaml.safe_dump(base), "utf-8")
    for number in range(count):
        own = {"account": f"1111222233{number:02}", "endpoint": {"name": f"cohere-team-{number}"}}
        text = yaml.safe_dump({"extends": "defaults/team.yaml", **own})
        (folder / f"team-{number}.yaml").write_text(text, "utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        write(Path(made), int(sys.argv[1]))
        settings.ENVIRONMENTS = Path(made)
        app.main()
