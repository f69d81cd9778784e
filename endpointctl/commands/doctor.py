"""``endpointctl doctor``: what would stop a deployment, before anything is changed."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from typing import Annotated, Final

import typer

from endpointctl.aws import Aws
from endpointctl.aws_failure import as_failure
from endpointctl.doctor import NAMES, Account, Finding, Identity, Increase, run, select
from endpointctl.doctor import policy as policies
from endpointctl.doctor.quota import request
from endpointctl.failure import Failure
from endpointctl.output import CONSOLE, show, show_error, show_note
from stacks import settings
from stacks.names import STACKS
from stacks.settings import Settings
from stacks.settings.errors import SettingsError

_WRONG, _NOT_RUN = 1, 2
_COLORS: Final = {"ok": "green", "wrong": "red", "unknown": "yellow"}


def doctor(
    env: Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")] = "dev",
    only: Annotated[
        list[str] | None, typer.Option(help=f"Run only this check; may be given again. One of {', '.join(NAMES)}.")
    ] = None,
    skip: Annotated[list[str] | None, typer.Option(help="Leave this check out; may be given again.")] = None,
    stack: Annotated[
        str | None, typer.Option(help="Leave out what concerns other stacks: endpoint, proxy or operations.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Request larger quotas where they are too small; asks.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --fix: do not ask.")] = False,
    policy: Annotated[
        bool, typer.Option("--policy", help="Print the IAM policy that the doctor needs, with --fix for that, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look for what would stop a deployment. Reads only, but for --fix.

    Exit codes: 0 nothing is wrong (some may be unknown), 1 something is wrong, 2 the doctor could not run: a wrong
    option or environment file, no credentials, no network.
    """
    try:
        if stack not in (None, *STACKS):
            raise Failure(f"--stack {stack} is no stack of an environment; allowed: {', '.join(STACKS)}")
        checks = select(only or (), skip or (), stack)
        environment = settings.read(env)
        if policy:
            show(json.dumps(policies.document(env, environment, increases=fix), indent=2))
            return
        account = account_of(env, environment)
        found = []
        for one in run(account, checks):
            found.append(one)
            if not as_json:
                _show(one)
    except (Failure, SettingsError) as error:
        show_error(str(error))
        raise typer.Exit(_NOT_RUN) from None
    if as_json:
        show(json.dumps({"environment": env, "findings": [asdict(one) for one in found]}, indent=2))
    else:
        _summarize(env, found)
    increases = [one.increase for one in found if one.increase]
    if fix:
        _fix(account, increases, yes=yes)
    if any(one.status == "wrong" for one in found):
        raise typer.Exit(_WRONG)


def account_of(env: str, environment: Settings) -> Account:
    """Return an environment's account, as the caller sees it.

    Raises:
        Failure: there are no credentials, AWS refuses them, or cannot be reached.

    """
    aws = Aws(environment.region)
    return Account(env, environment, aws, Identity.of(aws))


def _show(one: Finding) -> None:
    colored = CONSOLE.is_terminal and not CONSOLE.no_color
    status = typer.style(f"{one.status:<8}", fg=_COLORS[one.status]) if colored else f"{one.status:<8}"
    show(f"{status}{one.check:<14}{one.text}")
    if one.fix:
        show(f"{'':<22}-> {one.fix}")


def _summarize(env: str, found: Collection[Finding]) -> None:
    counts = {status: sum(one.status == status for one in found) for status in _COLORS}
    show(f"{env}: {', '.join(f'{count} {status}' for status, count in counts.items())}")


def _fix(account: Account, increases: Collection[Increase], *, yes: bool) -> None:
    """Request the increases, each after a question; say what AWS refuses."""
    if not increases:
        show_note("nothing to request: no quota is too small, or a request is open")
    for one in increases:
        if not yes:
            typer.confirm(f"Request {one.value} of {one.name} in {account.region}?", abort=True, err=True)
        try:
            with as_failure():
                show_note(request(account, one))
        except Failure as failure:
            show_error(f"{one.name}: {failure}")
