"""The checks, in the order of their lines, and how they are run: at the same time, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from endpointctl.aws_failure import as_failure
from endpointctl.doctor import deployed, machine, package, prerequisites, quota
from endpointctl.doctor.account import Account, is_denied
from endpointctl.doctor.finding import Finding, ok, unknown, wrong
from endpointctl.failure import Failure
from stacks.names import STACKS


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: what ``--only`` and ``--skip`` call it.
        run: yields what it finds; nothing where the environment does not use what it looks at.
        stack: the stack that it concerns; None for all.
        asks_aws: whether it asks AWS about the account.

    """

    name: str
    run: Callable[[Account], Iterable[Finding]]
    stack: str | None = None
    asks_aws: bool = True


def _account(account: Account) -> Iterator[Finding]:
    """Check that the credentials are those of the environment's account."""
    caller, wanted = account.identity.caller, account.settings.account
    if caller is None:
        yield unknown("AWS refused the signature, because of the clock")
    elif wanted not in (None, caller.account):
        yield wrong(
            f"{account.file}: account: {wanted!r} is not the account of your credentials ({caller.account})",
            "sign in to that account, or change the file",
        )
    else:
        yield ok(f"account {caller.account}, {account.region}, as {caller.arn}")


CHECKS: Final = (
    Check("account", _account, asks_aws=False),
    Check("clock", machine.clock, asks_aws=False),
    Check("tools", machine.tools, asks_aws=False),
    Check("prices", machine.prices, asks_aws=False),
    Check("bootstrap", prerequisites.bootstrap),
    Check("package", package.supported_types, "endpoint"),
    Check("subscription", package.subscription, "endpoint"),
    Check("region", quota.in_region, "endpoint"),
    Check("quota", quota.room, "endpoint"),
    Check("endpoint-name", deployed.endpoint_name, "endpoint"),
    Check("concurrency", prerequisites.concurrency, "proxy"),
    Check("log-role", prerequisites.log_role, "proxy"),
    *(Check("stacks", deployed.state_of(stack), stack) for stack in STACKS),
    Check("alarm-email", deployed.alarm_email, "operations"),
)
NAMES: Final = tuple(dict.fromkeys(check.name for check in CHECKS))


def select(only: Collection[str] = (), skip: Collection[str] = (), stack: str | None = None) -> tuple[Check, ...]:
    """Return the chosen checks.

    Args:
        only: names; default all.
        skip: names; default none.
        stack: leave out what concerns other stacks; default nothing.

    Raises:
        Failure: there is no check of a name.

    """
    for name in (*only, *skip):
        if name not in NAMES:
            raise Failure(f"{name!r} is no check; allowed: {', '.join(NAMES)}")
    return tuple(
        check
        for check in CHECKS
        if (not only or check.name in only) and check.name not in skip and stack in (None, check.stack or stack)
    )


def run(account: Account, checks: Iterable[Check]) -> Iterator[Finding]:
    """Run checks at the same time; yield what they find in their order, each as soon as it is known."""
    caller, wanted = account.identity.caller, account.settings.account
    reason = "AWS refused the signature" if caller is None else "the credentials are of another account"
    elsewhere = caller is None or wanted not in (None, caller.account)
    chosen = tuple(checks)
    with ThreadPoolExecutor(max(1, len(chosen))) as threads:
        yielded = threads.map(
            lambda check: [unknown(reason)] if elsewhere and check.asks_aws else _findings(check, account), chosen
        )
        for check, found in zip(chosen, yielded, strict=True):
            yield from (replace(one, check=check.name) for one in found)


def _findings(check: Check, account: Account) -> list[Finding]:
    """Return what a check finds; what stops it is the last finding."""
    found: list[Finding] = []
    try:
        for one in check.run(account):
            found.append(one)
    except ClientError as error:
        found.append(_refused(error))
    except (BotoCoreError, ResponseParserError, Failure) as error:
        found.append(unknown(_line(error)))
    except Exception as error:  # noqa: BLE001 - the other checks go on
        found.append(unknown(f"the check failed: {type(error).__name__}: {_one_line(error)}"))
    return found


def _refused(error: ClientError) -> Finding:
    if not is_denied(error):
        return unknown(_line(error))
    operation = error.operation_name
    return unknown(f"AWS denies you {operation}", "`make doctor ARGS=--policy` prints what the doctor needs")


def _line(error: Exception) -> str:
    try:
        with as_failure():
            raise error
    except Failure as failure:
        return failure.reason


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
