"""The commands: each reads an environment's file, calls AWS, and prints for people or, with --json, for programs."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.box import SIMPLE
from rich.table import Table

from endpointctl import aws_check
from endpointctl.aws import Aws
from endpointctl.commands.changes import changes
from endpointctl.commands.deployments import assembly, deployments
from endpointctl.commands.doctor import account_of, doctor
from endpointctl.commands.generate import generate
from endpointctl.commands.keys import keys
from endpointctl.commands.new import new
from endpointctl.commands.plan import plan
from endpointctl.commands.power import extend, sleep, status, wake
from endpointctl.commands.show import show_settings
from endpointctl.commands.smoke import smoke
from endpointctl.doctor import run, select
from endpointctl.failure import Failure, Lost, Unreachable
from endpointctl.orphans import Orphan, declared
from endpointctl.orphans import orphans as orphans_in
from endpointctl.output import escape_what_cannot_be_encoded, show, show_error, show_table
from endpointctl.refused import Asleep, MayHaveRun, Throttled, Unavailable, WrongRequest
from endpointctl.report import command as report_command
from endpointctl.sweep import command as sweep_command
from endpointctl.version import version
from sagemaker_llm.models import catalog
from stacks import settings
from stacks.settings.errors import SettingsError

app = typer.Typer(no_args_is_help=True, add_completion=False)

Environment = Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")]


# As `generate` documents them.
_EXIT_CODES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (WrongRequest, 3),
    (Throttled, 4),
    (Unavailable, 4),
    (Asleep, 4),
    (Unreachable, 4),
    (MayHaveRun, 5),
    (Lost, 5),
)

app.command()(generate)
app.command()(changes)
app.command()(plan)
app.command()(smoke)
app.command()(doctor)
app.command()(deployments)
app.command()(assembly)
app.command()(sweep_command.sweep)
app.command()(report_command.report)
app.command("show")(show_settings)
app.command()(new)
app.command()(wake)
app.command()(sleep)
app.command()(extend)
app.command()(status)
app.add_typer(keys, name="keys")


@app.command()
def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print the catalogue as JSON.")] = False,
) -> None:
    """List the catalogue: the packages that an environment file can name, and what each runs on."""
    if as_json:
        show(json.dumps([asdict(entry) for entry in catalog.entries()], indent=2))
        return
    table = Table("model", "api", "instance types", "AMI", "context", "status", "seen", "source", "listing", box=SIMPLE)
    for entry in catalog.entries():
        types, context = ", ".join(entry.instance_types), str(entry.context_tokens or "")
        listing = entry.listing or ""
        row = (entry.model, entry.api, types, entry.inference_ami, context, entry.status, entry.seen, entry.source)
        table.add_row(*row, listing)
    show_table(table, width=200)  # what is piped is not cut to some terminal's width
    show(f"{len(catalog.accounts())} regions: {', '.join(catalog.accounts())}")


@app.command()
def orphans(
    region: Annotated[
        list[str] | None,
        typer.Option(help="Look in this region too; may be given again. Default: the regions that the files name."),
    ] = None,
) -> None:
    """List this project's stacks that no environment file declares, with their price; exit 1 when there are some.

    It looks in one account, the caller's.
    """
    environments = {name: settings.read(name) for name in settings.names()}
    regions = sorted({*(one.region for one in environments.values()), *(region or ())})
    found: list[Orphan] = []
    for name in regions:
        aws = Aws(name)
        account = aws.caller().account
        found += orphans_in(aws.in_role("lookup"), declared(environments, name, account))
    show(f"looked for stacks that no file in environments/ declares, in {', '.join(regions)}")
    for one in found:
        running = ", ".join(f"{count} {kind}" for kind, count in one.instances.items())
        price = "unknown price" if one.usd_per_hour is None else f"{one.usd_per_hour:.2f} USD an hour"
        show(f"{one.stack} ({one.region}, {one.status}): {running or 'no instances known'}, {price}")
    if found:
        names = ", ".join(sorted({one.environment for one in found}))
        raise Failure(
            f"{len(found)} stacks of no environment file ({names}): restore the file and run `make destroy`, or "
            "destroy it from its recorded assembly: `.venv/bin/endpointctl assembly --env NAME --region REGION "
            "--out gone.out` and `make destroy ENV=NAME ASSEMBLY=gone.out`; prices are us-east-1's, without the "
            "seller's software"
        )


@app.command()
def check(env: Environment = "dev") -> None:
    """Check an environment's file and the caller's credentials: the quick part of `doctor`."""
    environment = settings.read(env)
    account = account_of(env, environment)
    found = list(run(account, select(("account", "clock", "concurrency", "log-role"))))
    for one in found:
        if one.status == "wrong":
            raise Failure(f"{one.text}: {one.fix}")
    show(f"{env}: {found[0].text}")


@app.command("aws-check")
def check_aws(
    env: Environment = "dev",
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run only this probe; may be given again. Default: all but those that may cost money."),
    ] = None,
    kms_key: Annotated[str, typer.Option(help="A KMS key's ARN, for the probe that needs one.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Start without asking.")] = False,
) -> None:
    """Ask AWS what it does not document: the unknown rows of docs/fidelity.md, with the deployed environment."""
    account = aws_check.Account.of(settings.read(env), kms_key)
    show(
        "This makes and deletes models and endpoint configs, which are free. At most "
        f"{aws_check.INVOCATIONS} requests reach {account.endpoint}, which is billed by the hour with or without them. "
        "They take its capacity: one token each, but container-context may generate for up to 60 s."
    )
    for name in sorted(set(only or ()) & set(aws_check.ON_REQUEST)):
        show(
            f"{name} updates {account.endpoint}: SageMaker may start a second fleet beside the first one, which is "
            "billed, and needs its quota, until it has replaced it. The endpoint answers meanwhile."
        )
    if not yes:
        typer.confirm("Continue?", abort=True)
    with closing(aws_check.ask(account, only)) as answers:
        for name, answer in answers:
            show(f"{name}: {answer}")


def _show_version(requested: bool) -> None:
    if requested:
        show(f"endpointctl {version()}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Operate a Cohere model on SageMaker."""


def main() -> None:
    """Run the command line; what goes wrong is one line for each problem on stderr, and an exit code above 0."""
    escape_what_cannot_be_encoded()
    try:
        app()
    except (Failure, SettingsError) as error:
        show_error(str(error))
        raise SystemExit(next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), 1)) from None
