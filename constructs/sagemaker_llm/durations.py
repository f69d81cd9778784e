"""Durations, each made once in the CDK's Node process and read once from it."""

from __future__ import annotations

from functools import cache

from aws_cdk import Duration


@cache
def seconds(number: int) -> Duration:
    """Return a duration; constructs share it."""
    return Duration.seconds(number)


@cache
def in_seconds(duration: Duration) -> float:
    """Return the length of a duration, in seconds."""
    return duration.to_seconds()
