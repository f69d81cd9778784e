"""Which schedules are due: each occurrence once, in the order of time, also when a test moves the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from local_aws.server.scheduling import expressions
from local_aws.server.scheduling.expressions import Expression

Key: TypeAlias = tuple[Any, ...]
Schedule: TypeAlias = Mapping[str, Any]

MOST_MISSED: Final = 50
"""How many missed occurrences of a cron expression fire when the clock jumps; of more, only the last ones."""

_FIRST_STEP_SECONDS: Final = 3600.0


@dataclass(frozen=True, order=True)
class Occurrence:
    """One time at which a schedule is due.

    Attributes:
        moment: when, in seconds since 1970.
        key: the schedule's key.

    """

    moment: float
    key: Key


@dataclass
class _Progress:
    version: tuple[Any, ...]
    expression: Expression
    until: float
    next: float | None


class DueSchedules:
    """Remembers for each schedule until when it was served.

    AWS fires each occurrence. Here a rate fires once for all the occurrences that one jump of the clock passes, and a
    cron expression at most ``MOST_MISSED`` times, so that a jump of ten hours does not start 120 invocations.

    Args:
        started: when the server started: what was due before is not made up for.

    """

    def __init__(self, started: float) -> None:
        self._started = started
        self._progress: dict[Key, _Progress] = {}

    def at(self, now: float, schedules: Mapping[Key, Schedule]) -> list[Occurrence]:
        """Return what became due since the last call, in the order of time.

        Args:
            now: the moment, in seconds since 1970.
            schedules: all schedules, enabled or not.

        """
        for gone in self._progress.keys() - schedules.keys():
            del self._progress[gone]
        found = [one for key, schedule in schedules.items() for one in self._of(key, schedule, now)]
        return sorted(found)

    def _of(self, key: Key, schedule: Schedule, now: float) -> list[Occurrence]:
        progress = self._current(key, schedule, now)
        if progress.next is None or progress.next > now:
            return []
        most = 1 if schedule["ScheduleExpression"].startswith("rate(") else MOST_MISSED
        end = schedule.get("EndDate")
        passed = _last(progress.expression, progress.until, now if end is None else min(now, end), most)
        progress.until, progress.next = now, progress.expression.next_after(now)
        if schedule.get("State", "ENABLED") != "ENABLED":
            return []
        start = schedule.get("StartDate")
        return [Occurrence(one, key) for one in passed if start is None or one >= start]

    def _current(self, key: Key, schedule: Schedule, now: float) -> _Progress:
        version = tuple(
            schedule.get(name)
            for name in ("ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "LastModificationDate")
        )
        progress = self._progress.get(key)
        if progress and progress.version == version and progress.until <= now:
            return progress
        created, modified = schedule["CreationDate"], schedule["LastModificationDate"]
        expression = expressions.parse(
            schedule["ScheduleExpression"],
            schedule.get("ScheduleExpressionTimezone"),
            schedule.get("StartDate") or created,
        )
        # A new rate is due at once; a clock that was moved back begins anew.
        until = min(max(modified - 0.001, self._started), now) if not progress or progress.version != version else now
        self._progress[key] = _Progress(version, expression, until, expression.next_after(until))
        return self._progress[key]


def is_over(schedule: Schedule, now: float) -> bool:
    """Return whether a schedule will not be due again: it has fired once, or its end has passed."""
    end = schedule.get("EndDate")
    if end is not None and now > end:
        return True
    if not expressions.is_once(schedule["ScheduleExpression"]):
        return False
    zone = schedule.get("ScheduleExpressionTimezone")
    return expressions.parse(schedule["ScheduleExpression"], zone, 0).next_after(now) is None


def _last(expression: Expression, after: float, until: float, most: int) -> list[float]:
    """Return the last occurrences between two moments; looks back in growing steps, for a jump may be of a year."""
    seconds = _FIRST_STEP_SECONDS
    while True:
        start = max(after, until - seconds)
        found = list(_between(expression, start, until))
        if len(found) >= most or start == after:
            return found[-most:]
        seconds *= 4


def _between(expression: Expression, after: float, until: float) -> Iterator[float]:
    moment = expression.next_after(after)
    while moment is not None and moment <= until:
        yield moment
        moment = expression.next_after(moment)
