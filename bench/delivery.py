"""What a pipeline waits for: an unchanged assembly, against the CDK CLI alone, and the steps of a pull request."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from local_aws.runner import snapshot

ROOT = Path(__file__).parent.parent
ROUNDS = 9
_NEVER = ("--require-approval", "never", "--ci")


def rows(variables: Mapping[str, str], cdk: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield what, median, span and limit.

    Args:
        variables: the environment of the processes.
        cdk: the CDK CLI.

    """
    with snapshot.deployed() as local, tempfile.TemporaryDirectory() as folder:
        there = {**variables, **local.variables()}
        assembly = str(Path(folder) / "cdk.out")
        _run([cdk, "synth", "**", "--quiet", "-c", "environment=local", "--output", assembly], there)
        _run([sys.executable, "-m", "stacks.release", assembly], there)
        ours = ["make", "deploy", "ENV=local", f"ASSEMBLY={assembly}", f"ARGS={' '.join(_NEVER)}"]
        alone = [cdk, "deploy", "--app", assembly, "local/*", "--concurrency", "2", *_NEVER]
        sides = {"make deploy ASSEMBLY=, unchanged": ours, "cdk deploy of the same": alone}
        times: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(ROUNDS + 1):
            for name, command in sides.items():
                seconds = _run(command, there)
                if number:
                    times[name].append(seconds)
    for name, measured in times.items():
        span = f"{min(measured):.2f}-{max(measured):.2f}"
        yield f"{name} ({ROUNDS} rounds)", f"{statistics.median(measured):.2f}", span, ""
    first, second = (statistics.median(measured) for measured in times.values())
    yield "ratio", f"{first / second:.2f}", "", "1.3"
    steps = _run(["make", "synth"], variables) + _run(["make", "diff", "BASE=HEAD"], variables)
    yield "a pull request's steps: make synth, make diff BASE=", f"{steps:.1f}", "one run", "60 s"


def _run(command: list[str], variables: Mapping[str, str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=dict(variables), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - started
