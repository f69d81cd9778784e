"""The commands that a user runs against AWS, run against the local cloud, shown and timed."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.text import Text

from local_aws.condition_types import Api
from local_aws.conditions import Conditions, set_conditions
from local_aws.runner import processes
from local_aws.runner.cloud import ACCOUNT, ASSEMBLY, REGION, ROOT, Cloud
from stacks.settings import Settings, read

CDK = ROOT / "node_modules" / ".bin" / "cdk"
ENVIRONMENT = "local"


class StepError(Exception):
    """A step failed.

    Attributes:
        output: the output of the failed command.

    """

    def __init__(self, reason: str, output: str = "") -> None:
        super().__init__(reason)
        self.output = output
        self.add_note(output)


class Journey:
    """Runs steps and shows the result and duration of each.

    Args:
        cloud: the local cloud.
        console: where the steps are shown.
        environment: what is deployed.

    """

    def __init__(self, cloud: Cloud, console: Console, environment: str = ENVIRONMENT) -> None:
        self._environment = environment
        self._cloud = cloud
        self._console = console
        self._assembly = cloud.folder / ASSEMBLY

    def bootstrap(self) -> None:
        """Prepare account and region for the CDK. Outside the checkout, the CLI finds no app to synthesize first."""
        self._cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}", folder=self._cloud.folder)

    def deploy(self) -> None:
        """Synthesize and deploy both stacks."""
        options = ("--require-approval", "never", "--concurrency", "2")
        chosen = (f"{self._environment}/*", "-c", f"environment={self._environment}")
        self._cdk("deploy", *chosen, *options, output=self._assembly)
        if apis := declared_apis(read(self._environment)):
            set_conditions(Conditions(apis=apis), self._cloud.declared_apis)

    def destroy(self) -> None:
        """Delete both stacks, from the assembly that was deployed."""
        self._cdk("destroy", f"{self._environment}/*", "--force", "--concurrency", "2", app=self._assembly)

    @contextmanager
    def step(self, title: str, *, moving: bool = True) -> Iterator[list[str]]:
        """Show a step while it runs, then its duration and the results in the list that it yields.

        Args:
            title: what it does.
            moving: whether a line moves while it runs: not where the step itself writes.

        """
        started, result = time.monotonic(), list[str]()
        shown = Text(title)
        shown.truncate(self._console.width - 2, overflow="ellipsis")  # the spinner needs two columns
        with self._console.status(shown) if moving else nullcontext():
            try:
                yield result
            except BaseException:
                self._line("[red]✗[/red]", title, started, "failed")
                raise
        self._line("[green]✓[/green]", title, started, ", ".join(result))

    def _line(self, mark: str, title: str, started: float, result: str) -> None:
        seconds = f"{time.monotonic() - started:.1f} s"
        self._console.print(f"{mark} {seconds:>7}  [bold]{title}[/bold]  {result}", soft_wrap=True)

    def _cdk(self, *arguments: str, output: Path | None = None, app: Path | None = None, folder: Path = ROOT) -> None:
        # The folder of the assembly is in the scratch folder; the rest of the command is what a user types.
        where = ["--output", str(output)] if output else ["--app", str(app)] if app else []
        with self.step(f"cdk {shlex.join(arguments)}") as result:
            printed = run(
                [str(CDK), *arguments, *where, "--ci", "--no-color"], self._cloud.environment(), folder=folder
            )
            result.extend(_done(printed))


def declared_apis(settings: Settings) -> dict[str, Api]:
    """Return the APIs that the settings of an environment name, by package id."""
    return {
        chosen.package(instance_type, settings.region).name: chosen.api
        for _, model, variant in settings.variants()
        for instance_type, chosen in variant.types_and_models(model)
        if chosen.api
    }


def run(
    command: list[str],
    environment: Mapping[str, str],
    *,
    folder: Path = ROOT,
    end_seconds: float = processes.END_SECONDS,
) -> str:
    """Run a command, by default in the checkout, and return its output. Its children end with it.

    Args:
        command: the command and its arguments.
        environment: the environment of the process.
        folder: where it runs.
        end_seconds: how long it has to end when the caller is interrupted.

    Raises:
        StepError: it exited with another code than 0.

    """

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    # In a thread, which no signal interrupts: a process that has started is always known, and ended below.
    with ThreadPoolExecutor(1) as thread:
        starting = thread.submit(start)
        try:
            process = starting.result()
            printed, _ = process.communicate()
        except BaseException:
            if starting.exception() is None:
                processes.end(starting.result(), whole_group=True, seconds=end_seconds)
            raise
    if process.returncode != 0:
        name = Path(command[0]).name
        raise StepError(f"{name} {command[1]} ended with exit code {process.returncode}", printed)
    return printed


def _done(printed: str) -> Iterator[str]:
    """Yield the CDK's line for each stack or environment that it finished."""
    for line in printed.splitlines():
        if "✅" in line:
            yield line.replace("✅", "").strip().rstrip(".")
