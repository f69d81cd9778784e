"""When a schedule is due: EventBridge Scheduler's ``at``, ``rate`` and ``cron`` in a time zone.

Sources: docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, and for daylight saving time
repost.aws/knowledge-center/eventbridge-scheduler-adjust-dst. A cron expression skips a wall-clock time that does not
exist, and does not repeat one that happens twice: the first counts. A rate counts seconds, so a day is 24 hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from local_aws.server.scheduling.cron import Cron

_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\((.+)\)")
_SECONDS: Final = {"minute": 60, "hour": 3600, "day": 86_400}


class Expression(Protocol):
    """A parsed schedule expression."""

    def next_after(self, moment: float) -> float | None:
        """Return the first time after a moment, in seconds since 1970; None when there is none."""


@dataclass(frozen=True)
class _Once:
    moment: float

    def next_after(self, moment: float) -> float | None:
        return self.moment if self.moment > moment else None


@dataclass(frozen=True)
class _Every:
    seconds: int
    first: float

    def next_after(self, moment: float) -> float | None:
        if moment < self.first:
            return self.first
        return self.first + self.seconds * ((moment - self.first) // self.seconds + 1)


@dataclass(frozen=True)
class _Wall:
    cron: Cron
    zone: ZoneInfo

    def next_after(self, moment: float) -> float | None:
        local = datetime.fromtimestamp(moment, self.zone).replace(tzinfo=None)
        for wall in self.cron.after(local):
            found = wall.replace(tzinfo=self.zone).timestamp()
            exists = datetime.fromtimestamp(found, self.zone).replace(tzinfo=None) == wall
            if exists and found > moment:
                return found
        return None


def zone_of(name: str | None) -> ZoneInfo:
    """Return a time zone; default UTC.

    Raises:
        ValueError: there is no such zone.

    """
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):  # a folder of zones is an OSError
        raise ValueError(f"Invalid Schedule Expression Timezone {name}.") from None


def parse(expression: str, zone: str | None, first: float) -> Expression:
    """Parse a schedule expression.

    Args:
        expression: e.g. ``cron(0 19 ? * MON-FRI *)``.
        zone: of the wall clock; default UTC.
        first: when a rate is due first, in seconds since 1970: the start date, else the creation.

    Raises:
        ValueError: AWS refuses the expression or the zone; the message is the service's.

    """
    place = zone_of(zone)
    try:
        if match := _AT.fullmatch(expression):
            return _Once(datetime.fromisoformat(match[1]).replace(tzinfo=place).timestamp())
        if (match := _RATE.fullmatch(expression)) and (match[1] == "1") != bool(match[3]):
            return _Every(int(match[1]) * _SECONDS[match[2]], first)
        if match := _CRON.fullmatch(expression):
            return _Wall(Cron.parse(match[1]), place)
    except ValueError:
        pass
    raise ValueError(f"Invalid Schedule Expression {expression}.")


def is_once(expression: str) -> bool:
    """Return whether a schedule is due once only."""
    return expression.startswith("at(")
