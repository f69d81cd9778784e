"""The steps that a user takes against AWS, taken against the local cloud: the same commands, shown and timed."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from local_aws.runner.cloud import ACCOUNT, ASSEMBLY, REGION, ROOT, Cloud

CDK = ROOT / "node_modules" / ".bin" / "cdk"
ENVIRONMENT = "local"
_CHOSEN = ("-c", f"environment={ENVIRONMENT}")


class StepError(Exception):
    """A step failed.

    Attributes:
        output: the end of what the failed command printed.

    """

    def __init__(self, reason: str, output: str = "") -> None:
        super().__init__(reason)
        self.output = output
        self.add_note(output)


class Journey:
    """Runs steps one after the other and says how each went.

    Args:
        cloud: where they run.
        console: where they are shown.

    """

    def __init__(self, cloud: Cloud, console: Console) -> None:
        self._cloud = cloud
        self._console = console
        self._assembly = cloud.folder / ASSEMBLY

    def bootstrap(self) -> None:
        """Prepare account and region for the CDK."""
        self._cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}", *_CHOSEN, output=self._assembly)

    def deploy(self) -> None:
        """Synthesize and deploy both stacks."""
        options = ("--require-approval", "never", "--concurrency", "2")
        self._cdk("deploy", f"{ENVIRONMENT}/*", *_CHOSEN, *options, output=self._assembly)

    def destroy(self) -> None:
        """Delete both stacks, from the assembly that was deployed."""
        self._cdk("destroy", f"{ENVIRONMENT}/*", "--force", "--concurrency", "2", app=self._assembly)

    @contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """Show one step while it runs, then its duration and what was put into the list it yields."""
        started, result = time.monotonic(), list[str]()
        with self._console.status(title):
            try:
                yield result
            except BaseException:
                self._line("[red]✗[/red]", title, started, "failed")
                raise
        self._line("[green]✓[/green]", title, started, ", ".join(result))

    def _line(self, mark: str, title: str, started: float, result: str) -> None:
        seconds = f"{time.monotonic() - started:.1f} s"
        self._console.print(f"{mark} {seconds:>7}  [bold]{title}[/bold]  {result}", soft_wrap=True)

    def _cdk(self, *arguments: str, output: Path | None = None, app: Path | None = None) -> None:
        # Where the assembly lies is ours to choose; everything else is what a user types.
        where = ["--output", str(output)] if output else ["--app", str(app)] if app else []
        with self.step(f"cdk {shlex.join(arguments)}") as result:
            printed = run([str(CDK), *arguments, *where, "--ci", "--no-color"], self._cloud.environment())
            result.extend(_done(printed))


def run(command: list[str], environment: Mapping[str, str], *, folder: Path = ROOT) -> str:
    """Run a command, by default in the checkout, and return what it printed; its children end with it.

    Raises:
        StepError: it exited with another code than 0.

    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    if process.returncode != 0:
        name = Path(command[0]).name
        raise StepError(f"{name} {command[1]} ended with exit code {process.returncode}", printed)
    return printed


def _done(printed: str) -> Iterator[str]:
    """Yield the CDK's own words for each stack or environment that it finished."""
    for line in printed.splitlines():
        if "✅" in line:
            yield line.replace("✅", "").strip().rstrip(".")
