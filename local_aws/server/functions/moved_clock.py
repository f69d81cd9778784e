"""Runs in a function's process before its handler: moves ``time`` and ``datetime`` to the local cloud's clock.

The text of this module is put in front of MiniStack's worker script. So it imports little of the
standard library, and nothing else.
"""

from __future__ import annotations

import datetime
import json
import os
import time
from datetime import date as _date
from datetime import datetime as _datetime

_ahead = 0.0
_time, _time_ns = time.time, time.time_ns


def follow_conditions() -> None:
    """Read how far the clock is ahead; once for each invocation, so that no time-out jumps."""
    global _ahead
    try:
        with open(os.environ["LOCAL_AWS_CONDITIONS"], encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to import
            _ahead = float(json.load(file).get("clock_ahead_seconds") or 0)
    except (OSError, KeyError, ValueError):
        _ahead = 0.0


class _IsReal(type):
    """Lets ``isinstance`` count the standard library's own objects, which its C code makes."""

    def __instancecheck__(cls, instance: object) -> bool:
        return super().__instancecheck__(instance) or (cls in _REAL and isinstance(instance, _REAL[cls]))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return super().__subclasscheck__(subclass) or (cls in _REAL and issubclass(subclass, _REAL[cls]))


class _MovedDatetime(_datetime, metaclass=_IsReal):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _MovedDatetime:
        return cls.fromtimestamp(_time() + _ahead, tz)

    @classmethod
    def utcnow(cls) -> _MovedDatetime:
        return cls.now(datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> _MovedDatetime:
        return cls.now()


class _MovedDate(_date, metaclass=_IsReal):
    @classmethod
    def today(cls) -> _MovedDate:
        return cls.fromtimestamp(_time() + _ahead)


_REAL: dict[type, type] = {_MovedDatetime: _datetime, _MovedDate: _date}


def install() -> None:
    """Replace the clocks of this process. Monotonic clocks stay."""
    follow_conditions()
    time.time = lambda: _time() + _ahead
    time.time_ns = lambda: _time_ns() + int(_ahead * 1e9)
    for name, moved in (("datetime", _MovedDatetime), ("date", _MovedDate)):
        moved.__module__, moved.__name__, moved.__qualname__ = "datetime", name, name
        setattr(datetime, name, moved)
