"""What ``make plan`` takes, against the synth of the same environment, and what it adds to ``make deploy``."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

Row = tuple[str, str, str, str]


def rows(seconds: Callable[[list[str]], float], cdk: str, rounds: int) -> Iterator[Row]:
    """Yield what, median, span and limit.

    Args:
        seconds: runs a command, and returns how long it took.
        cdk: the CDK CLI.
        rounds: how many of each; one more is not recorded.

    """
    with tempfile.TemporaryDirectory() as folder:
        assembly = str(Path(folder) / "cdk.out")
        plan = [sys.executable, "-m", "endpointctl", "plan", "--env", "dev"]
        sides = {
            "synth of dev, as `make synth` does": [cdk, "synth", "**", "--quiet", "-c", "environment=dev"],
            "plan of dev": plan,
            "plan of dev from an assembly, one line": [*plan, "--assembly", assembly, "--summary"],
        }
        times: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(rounds + 1):
            for name, command in sides.items():
                output = ["--output", assembly] if command[0] == cdk else []
                took = seconds([*command, *output])
                if number:
                    times[name].append(took)
    for name, measured in times.items():
        span = f"{min(measured):.2f}-{max(measured):.2f}"
        yield f"{name} ({rounds} rounds)", f"{statistics.median(measured):.2f}", span, ""
    synth, planned, _ = (statistics.median(measured) for measured in times.values())
    yield "ratio of a plan to a synth", f"{planned / synth:.2f}", "", "1.3"
