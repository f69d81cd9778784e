"""What the switch is set to, and what came of an event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

RETRY_SECONDS: Final = 300
"""How long after a sleep it is verified, or tried again."""

MAX_SLEEP_ATTEMPTS: Final = 24
"""How many times a sleep is tried: two hours. Then a tick tries again, and each failure is counted."""

MAX_WAKE_ATTEMPTS: Final = 6
"""How many times a wake is tried when there is no capacity: each takes CloudFormation minutes."""

OFFICE_MARGIN_SECONDS: Final = 3900
"""How long after the evening the lease of office hours ends. It is the second chance of an evening that did not come:
EventBridge Scheduler skips times that a change to daylight saving time skips. The length of a day can be an hour off.
"""


@dataclass(frozen=True)
class Outcome:
    """What came of an event.

    Attributes:
        result: ``changed``, ``already``, ``busy``, ``refused``, ``capped``, ``failed``, ``repaired`` or ``status``.
        message: one sentence, with what to do where there is anything.
        wake_failed: whether a wake failed.
        sleep_failed: whether the endpoint runs although it is to sleep, and the switch cannot help it.

    """

    result: str
    message: str
    wake_failed: bool = False
    sleep_failed: bool = False


@dataclass(frozen=True)
class Limits:
    """The settings.

    Attributes:
        default_minutes: how long a person's lease is when they do not say.
        max_minutes: the longest lease.
        office_minutes: from morning to evening; 0 without office hours.
        excepted: the periods, in seconds since 1970, in which office hours do not wake it.
        idle_minutes: how long without a request until it sleeps; 0 for never.
        wakes_per_day: how many times in 24 hours requests may wake it; 0 for never.
        request_minutes: how long the lease of such a wake is.

    """

    default_minutes: int
    max_minutes: int
    office_minutes: int = 0
    excepted: tuple[tuple[float, float], ...] = ()
    idle_minutes: int = 0
    wakes_per_day: int = 0
    request_minutes: int = 0


def iso(moment: float) -> str:
    """Return a moment as ISO 8601 has it, in UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment(text: object, default: float) -> float:
    """Return a moment in ISO 8601, in seconds since 1970; the default for anything else."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return default


def broken(stack: str, status: str) -> Outcome:
    """Return the failure for a stack that a human has to mend."""
    remedy = "look at its events, mend the cause, and deploy it again"
    if status == "UPDATE_ROLLBACK_FAILED":
        remedy = f"run `aws cloudformation continue-update-rollback --stack-name {stack}` with a role of your own"
    return Outcome("failed", f"{stack} is {status}: {remedy}")
