"""Schedule expressions and time zones of Application Auto Scaling, checked before an endpoint exists.

Source: docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sagemaker_llm.errors import OptionError

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Name, lowest and highest value, names of values, and what else the field allows beside numbers, * , - and /.
_FIELDS: Final = (
    ("minute", 0, 59, (), ""),
    ("hour", 0, 23, (), ""),
    ("day of month", 1, 31, (), r"\?|L|LW|\d{1,2}W"),
    ("month", 1, 12, _MONTHS, ""),
    ("day of week", 1, 7, _DAYS, r"\?|L|[1-7]L|[1-7]#[1-5]"),
    ("year", 1970, 2199, (), ""),
)
_RATE: Final = re.compile(r"rate\((?P<value>[1-9]\d*) (?P<unit>minute|hour|day)(?P<plural>s?)\)")
_AT: Final = re.compile(r"at\((?P<time>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_CRON: Final = re.compile(r"cron\((?P<fields>[^()]*)\)")


def check_schedule(option: str, expression: str) -> str:
    """Return a schedule expression when Application Auto Scaling takes it.

    Args:
        option: the option's name, for the error.
        expression: ``cron(minute hour day-of-month month day-of-week year)``, ``rate(value unit)`` or
            ``at(yyyy-mm-ddThh:mm:ss)``.

    Raises:
        OptionError: it is none of these, or a field is out of range.

    """
    problem = _problem(expression)
    if not problem:
        return expression
    raise OptionError(
        option,
        expression,
        problem=problem,
        allowed="cron(minute hour day-of-month month day-of-week year), rate(value unit) or at(yyyy-mm-ddThh:mm:ss)",
        remedy="e.g. cron(0 20 ? * MON-FRI *)",
    )


def check_timezone(option: str, name: str) -> str:
    """Return a time zone's name when the IANA database has it.

    Raises:
        OptionError: it does not.

    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise OptionError(
            option, name, problem="is no IANA time zone", allowed="e.g. UTC, Europe/Berlin, America/New_York"
        ) from None
    return name


def _problem(expression: str) -> str:
    if cron := _CRON.fullmatch(expression):
        return _cron_problem(cron["fields"].split())
    if rate := _RATE.fullmatch(expression):
        return "" if (rate["value"] == "1") == (not rate["plural"]) else "has the wrong number of its unit"
    if at := _AT.fullmatch(expression):
        try:
            datetime.fromisoformat(at["time"])
        except ValueError:
            return "is no date and time"
        return ""
    return "is no schedule"


def _cron_problem(fields: list[str]) -> str:
    if len(fields) != len(_FIELDS):
        return f"has {len(fields)} fields instead of {len(_FIELDS)}"
    for text, (name, low, high, names, more) in zip(fields, _FIELDS, strict=True):
        if not all(_is_cron_part(part, low, high, names, more) for part in text.split(",")):
            return f"has the wrong {name} {text!r}"
    if (fields[2] == "?") == (fields[4] == "?"):
        return "needs ? as either day of month or day of week"
    return ""


def _is_cron_part(part: str, low: int, high: int, names: tuple[str, ...], more: str) -> bool:
    if more and re.fullmatch(more, part):
        number = re.match(r"\d+", part)
        return not number or low <= int(number[0]) <= high
    base, slash, step = part.partition("/")
    if slash and not (step.isdigit() and int(step) >= 1):
        return False
    if base == "*":
        return True
    values = [_cron_value(text, low, high, names) for text in base.split("-")]
    if None in values or len(values) > 2:
        return False
    return len(values) == 1 or (values[0] or 0) <= (values[1] or 0)


def _cron_value(text: str, low: int, high: int, names: tuple[str, ...]) -> int | None:
    if text.upper() in names:
        return names.index(text.upper()) + 1
    return int(text) if text.isdigit() and low <= int(text) <= high else None
