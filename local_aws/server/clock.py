"""The clock of what happens by itself: schedules and alarms. The conditions move it."""

from __future__ import annotations

import time

from local_aws.conditions import ConditionsFile


class Clock:
    """The machine's clock, and how far it is ahead.

    Args:
        conditions: the file with ``clock_ahead_seconds``.

    """

    def __init__(self, conditions: ConditionsFile) -> None:
        self._conditions = conditions

    def now(self) -> float:
        """Return the seconds since 1970."""
        return time.time() + self._conditions.now().clock_ahead_seconds
