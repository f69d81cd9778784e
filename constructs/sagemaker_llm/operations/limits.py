"""The limits of when an endpoint sleeps. They are ours, with their reasons."""

from __future__ import annotations

from typing import Final

PARAMETER: Final = "Awake"
"""The parameter of the endpoint's stack, ``true`` or ``false``. A later default changes nothing, because CloudFormation
and the CDK's CLI keep the value."""

TIME_PATTERN: Final = r"([01]\d|2[0-3]):[0-5]\d"
"""A time of day, 00:00 to 23:59."""

IDLE_MINUTES: Final = (15, 1440)
"""The least and most minutes without a request. A stream lasts up to 8 minutes, and metrics come late."""

REQUEST_MINUTES: Final = (15, 1440)
"""The shortest and longest lease of a wake by a request, in minutes. A wake itself takes 10 to 20 minutes."""

WAKES_PER_DAY: Final = (1, 48)
"""The fewest and most wakes by requests in 24 hours."""

LEASE_MINUTES: Final = (1, 10_080)
"""The shortest and longest lease of a person, in minutes: a week."""

MAX_DATES: Final = 60
"""The most excepted dates: they are in an environment variable, and Lambda allows 4 KB of these.

Source: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
"""
