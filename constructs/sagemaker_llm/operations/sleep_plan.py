"""When an endpoint sleeps: office hours, idleness, requests, and how long leases are. No CDK here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

from sagemaker_llm.endpoint.schedule import check_timezone
from sagemaker_llm.errors import OptionError
from sagemaker_llm.limits import check_pattern, check_range
from sagemaker_llm.operations.limits import (
    IDLE_MINUTES,
    LEASE_MINUTES,
    MAX_DATES,
    REQUEST_MINUTES,
    TIME_PATTERN,
    WAKES_PER_DAY,
)

Day: TypeAlias = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
"""A day of the week, as schedule expressions name it."""

_DAYS: Final = get_args(Day)


@dataclass(frozen=True)
class OfficeHours:
    """The hours of the week in which an endpoint is awake.

    Attributes:
        wake: when it is woken, e.g. ``07:30``. EventBridge Scheduler skips a time that daylight saving time skips.
        sleep: when it sleeps again; a time before ``wake`` is on the next day.
        timezone: an IANA name.
        days: the days on which it is woken; default Monday to Friday.
        except_dates: dates on which it is not woken; default none.

    Raises:
        OptionError: a time, a day or a zone does not exist, or both times are the same.

    """

    wake: str
    sleep: str
    timezone: str
    days: Sequence[Day] = _DAYS[:5]
    except_dates: Sequence[date] = ()

    def __post_init__(self) -> None:
        for option in ("wake", "sleep"):
            check_pattern(option, getattr(self, option), TIME_PATTERN, "a time from 00:00 to 23:59, in quotes")
        if self.wake == self.sleep:
            what = "is also the time of wake: it would sleep and wake at once"
            raise OptionError("sleep", self.sleep, problem=what, allowed="another time than wake")
        check_timezone("timezone", self.timezone)
        _check_days(self.days)
        if len(self.except_dates) > MAX_DATES or len(set(self.except_dates)) < len(self.except_dates):
            given = [str(one) for one in self.except_dates]
            raise OptionError(
                "except_dates", given, problem="has a date twice, or too many", allowed=f"at most {MAX_DATES} dates"
            )

    @property
    def is_overnight(self) -> bool:
        """Return whether it sleeps on the day after the one on which it is woken."""
        return self.sleep < self.wake

    @property
    def minutes(self) -> int:
        """Return the time from wake to sleep, in minutes, on a day without a change of the clock."""
        return (_minutes(self.sleep) - _minutes(self.wake)) % 1440

    @property
    def hours_per_month(self) -> float:
        """Return how long the endpoint is awake in an average month, in hours, excepted dates not counted."""
        return self.minutes / 60 * len(self.days) * 365 / 7 / 12

    @property
    def wake_expression(self) -> str:
        """Return the schedule expression of the morning."""
        return _cron(self.wake, self.days)

    @property
    def sleep_expression(self) -> str:
        """Return the schedule expression of the evening."""
        after = [_DAYS[(_DAYS.index(day) + 1) % 7] for day in self.days]
        return _cron(self.sleep, after if self.is_overnight else self.days)

    def next_change(self, now: datetime) -> tuple[datetime, bool]:
        """Return the next moment of a schedule and whether it wakes; for people, who see what comes."""
        zone = ZoneInfo(self.timezone)
        today = now.astimezone(zone).date()
        found = []
        for day in (today + timedelta(days=offset) for offset in range(-1, MAX_DATES + 8)):
            if _DAYS[day.weekday()] in self.days:
                if day not in self.except_dates:
                    found.append((_at(day, self.wake, zone), True))
                found.append((_at(day + timedelta(days=self.is_overnight), self.sleep, zone), False))
        return min(one for one in found if one[0] > now)

    def excepted(self) -> list[tuple[int, int]]:
        """Return the excepted dates as periods, in seconds since 1970; the function has no time zones then."""
        zone = ZoneInfo(self.timezone)
        bounds = [(_at(day, "00:00", zone), _at(day + timedelta(days=1), "00:00", zone)) for day in self.except_dates]
        return sorted((int(start.timestamp()), int(end.timestamp())) for start, end in bounds)


@dataclass(frozen=True)
class OnDemand:
    """Wakes by requests that find the endpoint asleep.

    Attributes:
        wakes_per_day: how many in 24 hours, failed ones included; whoever may call the proxy can spend that much.
        minutes: how long the lease of such a wake is, from the request on; default 60.

    Raises:
        OptionError: a number is out of range.

    """

    wakes_per_day: int
    minutes: int = 60

    def __post_init__(self) -> None:
        check_range("wakes_per_day", self.wakes_per_day, *WAKES_PER_DAY)
        check_range("minutes", self.minutes, *REQUEST_MINUTES, unit="minutes")


@dataclass(frozen=True)
class LeaseLengths:
    """How long people may keep it awake.

    Attributes:
        default_minutes: when they do not say; default 120.
        max_minutes: at most; default 720.

    Raises:
        OptionError: a number is out of range.

    """

    default_minutes: int = 120
    max_minutes: int = 720

    def __post_init__(self) -> None:
        check_range("max_minutes", self.max_minutes, *LEASE_MINUTES, unit="minutes")
        remedy = "not above max_minutes"
        check_range("default_minutes", self.default_minutes, 1, self.max_minutes, unit="minutes", remedy=remedy)


@dataclass(frozen=True)
class SleepPlan:
    """When an endpoint sleeps. Without any of these only people put it to sleep and wake it.

    Attributes:
        office_hours: the hours of the week in which it is awake; default none.
        idle_minutes: how long without a request until it sleeps, leases and office hours or not; default never.
        on_demand: whether requests wake it; default no.
        lease: how long people may keep it awake.

    Raises:
        OptionError: a number is out of range.

    """

    office_hours: OfficeHours | None = None
    idle_minutes: int | None = None
    on_demand: OnDemand | None = None
    lease: LeaseLengths = field(default_factory=LeaseLengths)

    def __post_init__(self) -> None:
        if self.idle_minutes is not None:
            check_range("idle_minutes", self.idle_minutes, *IDLE_MINUTES, unit="minutes")

    @property
    def variables(self) -> Mapping[str, str]:
        """Return the function's environment variables; what is not set is left out."""
        hours, demand = self.office_hours, self.on_demand
        values = {
            "DEFAULT_MINUTES": self.lease.default_minutes,
            "MAX_MINUTES": self.lease.max_minutes,
            "IDLE_MINUTES": self.idle_minutes,
            "OFFICE_MINUTES": hours.minutes if hours else None,
            "EXCEPTED": " ".join(f"{start}/{end}" for start, end in hours.excepted()) if hours else None,
            "WAKES_PER_DAY": demand.wakes_per_day if demand else None,
            "REQUEST_MINUTES": demand.minutes if demand else None,
        }
        return {name: str(value) for name, value in values.items() if value}


def _check_days(days: Sequence[Day]) -> None:
    if not days or len(set(days)) < len(days) or not set(days) <= set(_DAYS):
        raise OptionError(
            "days",
            list(days),
            problem="are none, or have one twice, or one that does not exist",
            allowed=f"one or more of {', '.join(_DAYS)}",
        )


def _minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return 60 * int(hour) + int(minute)


def _cron(at: str, days: Sequence[Day]) -> str:
    hour, minute = divmod(_minutes(at), 60)
    return f"cron({minute} {hour} ? * {','.join(sorted(days, key=_DAYS.index))} *)"


def _at(day: date, at: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(at), zone)
