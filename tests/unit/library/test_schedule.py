"""Schedules and time zones: what Application Auto Scaling takes, and what it would refuse after the endpoint exists."""

import pytest

from sagemaker_llm import OptionError
from sagemaker_llm.endpoint.schedule import check_schedule, check_timezone

RIGHT = [
    "cron(0 20 * * ? *)",
    "cron(0 8 ? * MON-FRI *)",
    "cron(0/15 8-18 ? * 2-6 2027)",
    "cron(30 6,18 1,15 * ? 2026-2030)",
    "cron(0 0 L * ? *)",
    "cron(0 0 15W JAN-MAR ? *)",
    "cron(0 0 ? * 6L *)",
    "cron(0 0 ? * 2#1 *)",
    "rate(1 hour)",
    "rate(30 minutes)",
    "at(2027-01-31T08:00:00)",
]
WRONG = [
    ("8 pm", "is no schedule"),
    ("cron(0 99 * * *)", "has 5 fields instead of 6"),
    ("cron(0 99 * * ? *)", "wrong hour '99'"),
    ("cron(60 0 * * ? *)", "wrong minute"),
    ("cron(0 0 32 * ? *)", "wrong day of month"),
    ("cron(0 0 99W * ? *)", "wrong day of month"),
    ("cron(0 0 * 13 ? *)", "wrong month"),
    ("cron(0 0 ? * 0 *)", "wrong day of week"),
    ("cron(0 0 ? * FRI-MON *)", "wrong day of week"),
    ("cron(0 0 ? * MON 1969)", "wrong year"),
    ("cron(0 8 * * * *)", "needs ?"),
    ("cron(0 8 ? * ? *)", "needs ?"),
    ("cron(0/0 8 * * ? *)", "wrong minute"),
    ("cron(, 8 * * ? *)", "wrong minute"),
    ("cron(0 20 * * ? *) ", "is no schedule"),
    ("rate(1 hours)", "wrong number"),
    ("rate(2 hour)", "wrong number"),
    ("rate(0 hours)", "is no schedule"),
    ("at(2027-02-30T08:00:00)", "is no date"),
    ("at(tomorrow)", "is no schedule"),
]


@pytest.mark.parametrize("expression", RIGHT)
def test_a_schedule(expression: str) -> None:
    assert check_schedule("schedule", expression) == expression


@pytest.mark.parametrize(("expression", "problem"), WRONG)
def test_a_malformed_schedule(expression: str, problem: str) -> None:
    with pytest.raises(OptionError) as caught:
        check_schedule("schedule", expression)
    assert caught.value.value == expression
    assert problem in caught.value.problem


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_a_time_zone(name: str) -> None:
    assert check_timezone("timezone", name) == name


@pytest.mark.parametrize("name", ["Mars/X", "", "../etc/passwd", "Europe", "europe/berlin\n"])
def test_no_time_zone(name: str) -> None:
    with pytest.raises(OptionError, match="is no IANA time zone"):
        check_timezone("timezone", name)
