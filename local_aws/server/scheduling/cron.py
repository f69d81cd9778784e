"""The fields of EventBridge Scheduler's cron expressions.

Source: docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, "Cron-based schedules".
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

_MONTH_NAMES: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_DAYS: Final = {name: n for n, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}
_LAST_YEAR: Final = 2199
_PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")


@dataclass(frozen=True)
class Cron:
    """A parsed expression.

    Attributes:
        minutes: 0 to 59.
        hours: 0 to 23.
        days: the day-of-month field; ``?`` when the day of the week decides.
        months: 1 to 12.
        weekdays: the day-of-week field; ``?`` when the day of the month decides.
        years: 1970 to 2199.

    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: str
    months: frozenset[int]
    weekdays: str
    years: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Parse the text between the parentheses.

        Raises:
            ValueError: AWS refuses the expression.

        """
        minutes, hours, days, months, weekdays, years = text.split()
        if (days == "?") == (weekdays == "?"):
            raise ValueError("exactly one of day-of-month and day-of-week is ?")
        cron = cls(
            tuple(sorted(_values(minutes, 0, 59))),
            tuple(sorted(_values(hours, 0, 23))),
            days.upper(),
            frozenset(_values(months, 1, 12, _MONTHS)),
            weekdays.upper(),
            frozenset(_values(years, 1970, _LAST_YEAR)),
        )
        cron._matches(date(2024, 1, 1))  # finds wrong days
        return cron

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the wall-clock times after one, in their order.

        Args:
            moment: without a time zone.

        """
        day = moment.date()
        while day.year <= _LAST_YEAR:
            if day.year not in self.years:
                day = date(day.year + 1, 1, 1)
            elif day.month not in self.months:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            else:
                if self._matches(day):
                    times = (datetime.combine(day, time(h, m)) for h in self.hours for m in self.minutes)
                    yield from (one for one in times if one > moment)
                day += timedelta(days=1)

    def _matches(self, day: date) -> bool:
        return day in _days_of_month(self.days, day) if self.weekdays == "?" else _is_weekday(self.weekdays, day)


def _values(field: str, least: int, most: int, names: dict[str, int] | None = None) -> set[int]:
    """Expand lists, ranges, steps and names of a field.

    Raises:
        ValueError: it is none of these, or out of range.

    """
    found: set[int] = set()
    for part in field.upper().split(","):
        match = _PART.fullmatch(part)
        if not match:
            raise ValueError(f"{part} is not a value, a range or a step")
        first, last = _ends(match, least, most, names or {})
        step = int(match["step"] or 1)
        if not (least <= first <= most and least <= last <= most and step):
            raise ValueError(f"{part} is not between {least} and {most}")
        # FRI-MON goes round the end of the week.
        found |= set(
            range(first, last + 1, step) if first <= last else {*range(first, most + 1), *range(least, last + 1)}
        )
    return found


def _ends(match: re.Match[str], least: int, most: int, names: dict[str, int]) -> tuple[int, int]:
    def number(text: str) -> int:
        return names[text] if text in names else int(text)

    if match["first"] == "*":
        return least, most
    first = number(match["first"])
    if match["last"]:
        return first, number(match["last"])
    return first, most if match["step"] else first


def _last_day(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _days_of_month(field: str, day: date) -> set[date]:
    """Return the days of a month that the day-of-month field names; it may use ``L``, ``W`` and ``LW``."""
    if field == "L":
        return {day.replace(day=_last_day(day))}
    if match := re.fullmatch(r"(\d+|L)W", field):
        wanted = _last_day(day) if match[1] == "L" else min(_days_number(match[1]), _last_day(day))
        return {_nearest_weekday(day.replace(day=wanted))}
    return {day.replace(day=one) for one in _values(field, 1, 31) if one <= _last_day(day)}


def _days_number(text: str) -> int:
    (one,) = _values(text, 1, 31)
    return one


def _nearest_weekday(day: date) -> date:
    """Return the weekday nearest to a day in the same month."""
    shift = {5: -1, 6: 1}.get(day.weekday(), 0)
    moved = day + timedelta(days=shift)
    return moved if moved.month == day.month else day - timedelta(days=2 * shift)


def _is_weekday(field: str, day: date) -> bool:
    """Return whether the day-of-week field names a day; it may use ``L`` and ``#``."""
    number = day.isoweekday() % 7 + 1
    if field == "L":
        return number == 7
    if match := re.fullmatch(r"(\w+)L", field):
        return {number} == _values(match[1], 1, 7, _DAYS) and day.day > _last_day(day) - 7
    if match := re.fullmatch(r"(\w+)#([1-5])", field):
        return {number} == _values(match[1], 1, 7, _DAYS) and (day.day + 6) // 7 == int(match[2])
    return number in _values(field, 1, 7, _DAYS)
