"""``endpointctl wake``, ``sleep``, ``extend`` and ``status``: whether the GPUs of an environment exist."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from endpointctl.aws import Aws
from endpointctl.failure import Failure
from endpointctl.output import show, show_error, show_note
from endpointctl.power import Answer, Power, usd_per_hour
from stacks import settings
from stacks.settings import Settings

Environment = Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it is done; each step is a line on stderr.")]
Timeout = Annotated[str, typer.Option(help="How long to wait at most, e.g. 45m.")]
_LENGTH: Final = re.compile(r"(?:(?P<hours>\d{1,4})h)?(?:(?P<minutes>\d{1,5})m)?")
_EXIT_CODES: Final = {"refused": 3, "busy": 4, "capped": 4, "failed": 1}
_LONGEST_PAUSE: Final = 15.0


def wake(
    env: Environment = "dev",
    length: Annotated[
        str | None, typer.Option("--for", help="How long, e.g. 3h or 90m. Default: endpoint.sleep.lease.")
    ] = None,
    wait: Wait = False,
    timeout: Timeout = "60m",
    as_json: AsJson = False,
) -> None:
    """Wake the endpoint for a time, after which it sleeps by itself. It serves 10 to 20 minutes later.

    Exit codes, of `sleep` and `extend` too: 0 done, or nothing to do; 1 failed; 3 refused; 4 the stack is busy: it is
    tried again by itself. With --wait: 0 it serves; 1 it does not, or not in time.
    """
    _, power = _of(env)
    answer = power.act("wake", _minutes("--for", length))
    if wait and answer.result in ("changed", "already", "busy", "repaired"):
        answer = _wait(env, power, answer, awake=True, seconds=60 * (_minutes("--timeout", timeout) or 0))
    _end(env, answer, as_json=as_json)


def sleep(env: Environment = "dev", wait: Wait = False, timeout: Timeout = "60m", as_json: AsJson = False) -> None:
    """Put the endpoint to sleep now, lease or not: its GPUs are deleted, and requests in progress are cut off."""
    _, power = _of(env)
    answer = power.act("sleep")
    if wait and answer.result in ("changed", "already", "busy", "repaired"):
        answer = _wait(env, power, answer, awake=False, seconds=60 * (_minutes("--timeout", timeout) or 0))
    _end(env, answer, as_json=as_json)


def extend(
    length: Annotated[str, typer.Option("--for", help="How much longer, e.g. 1h.")] = "1h",
    env: Environment = "dev",
    as_json: AsJson = False,
) -> None:
    """Move the end of the lease."""
    _, power = _of(env)
    _end(env, power.act("extend", _minutes("--for", length)), as_json=as_json)


def status(env: Environment = "dev", as_json: AsJson = False) -> None:
    """Show whether the endpoint is awake, since when, until when, and what sleeping saved this month."""
    environment, power = _of(env)
    answer = power.act("status")
    found = _report(environment, power, answer)
    if as_json:
        show(json.dumps(found, indent=2))
    else:
        _show_report(env, found)
    if answer.result == "failed" or answer.state == "failed":
        raise typer.Exit(1)


def _of(env: str) -> tuple[Settings, Power]:
    environment = settings.read(env)
    aws = Aws(environment.region)
    power = Power(env, environment, aws)
    aws.caller_in(environment.account, env)
    return environment, power


def _minutes(option: str, text: str | None) -> int | None:
    """Return a length in minutes."""
    if text is None:
        return None
    match = _LENGTH.fullmatch(text)
    minutes = 60 * int(match["hours"] or 0) + int(match["minutes"] or 0) if match else 0
    if minutes < 1:
        raise Failure(f"{option} {text}: is no length of time; allowed: hours and minutes, e.g. 3h, 90m or 1h30m")
    return minutes


def _end(env: str, answer: Answer, *, as_json: bool) -> None:
    code = _EXIT_CODES.get(answer.result, 0)
    line = f"{env}: {answer.message}"
    if as_json:
        show(json.dumps({**asdict(answer), "state": answer.state}, indent=2))
    elif code in (0, 4):
        show(line)
    else:
        show_error(line)
    if code:
        raise typer.Exit(code)


def _wait(env: str, power: Power, answer: Answer, *, awake: bool, seconds: float) -> Answer:
    """Wait until it serves, or is gone. The switch tries again by itself; without a lease it has given a wake up.

    Raises:
        Failure: it is not done in time, or the switch has given it up.

    """
    until, pause, told = time.monotonic() + seconds, 1.0, ""
    while not (answer.is_awake if awake else answer.state == "asleep"):
        said = f"{env}: {answer.state} (stack {answer.stack}, endpoint {answer.endpoint or 'none'})"
        if said != told:
            show_note(said)
            told = said
        given_up = awake and not answer.awake and not answer.is_busy and answer.until is None
        if given_up or answer.result == "failed":
            raise Failure(f"{env}: it did not {'wake' if awake else 'sleep'}: {answer.message}; see its stack's events")
        if time.monotonic() > until:
            raise Failure(
                f"{env}: {answer.state} after {seconds / 60:g} minutes; `endpointctl status --env {env}` tells"
            )
        time.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_PAUSE)
        answer = power.act("status")
    message = f"it is {answer.state}" + (f", until {answer.until}" if answer.until else "")
    return Answer(**{**asdict(answer), "result": "changed", "message": message})


def _report(environment: Settings, power: Power, answer: Answer) -> dict[str, Any]:
    now, history = datetime.now(UTC), power.history()
    hours = history.hours_asleep(now, awake=answer.awake) if history else None
    price = usd_per_hour(environment)
    change = _next_change(environment, now)
    return {
        **asdict(answer),
        "state": answer.state,
        "since": _iso(history.since) if history and history.since else None,
        "next_office_hours": {"at": _iso(change[0]), "wakes": change[1]} if change else None,
        "hours_asleep_this_month": None if hours is None else round(hours, 1),
        "usd_per_hour": price,
        "saved_usd_this_month": None if hours is None or price is None else round(hours * price, 2),
    }


def _next_change(environment: Settings, now: datetime) -> tuple[datetime, bool] | None:
    section = environment.endpoint.sleep
    if section is None or section.office_hours is None:
        return None
    from sagemaker_llm.operations.sleep_plan import OfficeHours  # only this command needs time zones

    return OfficeHours(**section.office_hours.model_dump()).next_change(now)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _show_report(env: str, found: dict[str, Any]) -> None:
    since = f" since {found['since']}" if found["since"] else ""
    show(f"{env}: {found['state']}{since} (stack {found['stack']}, endpoint {found['endpoint'] or 'none'})")
    if found["result"] == "failed":
        show(f"  {found['message']}")
    if found["until"]:
        show(f"  lease until {found['until']}")
    if change := found["next_office_hours"]:
        show(f"  office hours: {'wakes' if change['wakes'] else 'sleeps'} at {change['at']}")
    hours, usd = found["hours_asleep_this_month"], found["saved_usd_this_month"]
    asleep = "unknown: you may not read the stack's events" if hours is None else f"{hours} h"
    saved = "unknown" if usd is None else f"{usd:,.2f} USD (us-east-1's list price, without the seller's software)"
    show(f"  asleep this month: {asleep}; saved: {saved}")
