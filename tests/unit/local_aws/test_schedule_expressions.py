"""When a schedule is due, by the clock on the wall of its time zone."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from local_aws.server.scheduling.expressions import Expression, parse

BERLIN = "Europe/Berlin"


def moments(expression: Expression, after: str) -> Iterator[str]:
    moment = datetime.fromisoformat(f"{after}:00+00:00").timestamp()
    while (found := expression.next_after(moment)) is not None:
        yield datetime.fromtimestamp(found, UTC).isoformat(timespec="minutes")[:-6]
        moment = found


def due(expression: str, zone: str | None, after: str, number: int) -> list[str]:
    return [moment for moment, _ in zip(moments(parse(expression, zone, 0), after), range(number), strict=False)]


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # A wall clock: 19:00 is another hour of UTC in summer, and the week-end is left out.
        ("cron(0 19 ? * MON-FRI *)", BERLIN, "2026-10-23T16:00", ["2026-10-23T17:00", "2026-10-26T18:00"]),
        # 02:30 does not exist on 29 March 2026, and happens twice on 25 October: skipped, and once.
        ("cron(30 2 * * ? *)", BERLIN, "2026-03-27T12:00", ["2026-03-28T01:30", "2026-03-30T00:30"]),
        ("cron(30 2 * * ? *)", BERLIN, "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("cron(0/30 2 25 10 ? 2026)", BERLIN, "2026-10-25T01:05", []),
        (
            "cron(0/20 7 ? * 2 *)",
            None,
            "2026-11-25T00:00",
            ["2026-11-30T07:00", "2026-11-30T07:20", "2026-11-30T07:40"],
        ),
        ("cron(0 8 1,15 JAN-FEB ? *)", None, "2026-01-10T00:00", ["2026-01-15T08:00", "2026-02-01T08:00"]),
        ("cron(0 8 L 2 ? *)", None, "2026-03-01T00:00", ["2027-02-28T08:00", "2028-02-29T08:00"]),
        ("cron(0 8 LW * ? *)", None, "2026-10-01T00:00", ["2026-10-30T08:00", "2026-11-30T08:00"]),
        ("cron(0 8 1W 8 ? 2026)", None, "2026-01-01T00:00", ["2026-08-03T08:00"]),
        ("cron(0 8 ? * 2#1 *)", None, "2026-10-23T00:00", ["2026-11-02T08:00", "2026-12-07T08:00"]),
        ("cron(0 8 ? * FRIL *)", None, "2026-10-23T00:00", ["2026-10-30T08:00", "2026-11-27T08:00"]),
        ("cron(0 8 ? * L *)", None, "2026-10-23T00:00", ["2026-10-24T08:00", "2026-10-31T08:00"]),
        ("cron(0 8 ? * SAT-SUN *)", None, "2026-10-23T00:00", ["2026-10-24T08:00", "2026-10-25T08:00"]),
        ("at(2026-11-25T19:00:00)", "Asia/Kolkata", "2026-11-25T00:00", ["2026-11-25T13:30"]),
        ("at(2026-11-25T19:00:00)", None, "2026-11-25T19:00", []),
    ],
)
def test_when_it_is_due(expression: str, zone: str | None, after: str, expected: list[str]) -> None:
    assert due(expression, zone, after, max(len(expected), 1)) == expected


def test_a_rate_is_due_first_at_its_beginning_and_counts_seconds() -> None:
    start = datetime(2026, 10, 24, 12, tzinfo=UTC).timestamp()
    found = moments(parse("rate(1 day)", BERLIN, start), "2026-10-24T11:00")
    assert [next(found), next(found), next(found)] == ["2026-10-24T12:00", "2026-10-25T12:00", "2026-10-26T12:00"]


@pytest.mark.parametrize(
    "expression",
    [
        *("", "now", "cron()", "at()", "at(tomorrow)", "at(2026-13-01T00:00:00)", "at(2026-11-25 19:00:00)"),
        *("rate(0 minutes)", "rate(5 minute)", "rate(1 hours)", "rate(30 seconds)", "rate(-1 days)", "rate(1.5 days)"),
        *("cron(0 8 * * * *)", "cron(0 8 ? * ? *)", "cron(0 8 ? * MON)", "cron(0 8 1 * MON *)", "cron(0 8 ? * 8 *)"),
        *("cron(60 8 ? * MON *)", "cron(0 24 ? * MON *)", "cron(0 8 32 * ? *)", "cron(0 8 0 * ? *)"),
        *("cron(0 8 ? 13 MON *)", "cron(0 8 ? * FOO *)", "cron(0 8 ? * MON#6 *)", "cron(0/0 8 ? * MON *)"),
        *("cron(0 8 ? * MON 1969)", "cron(0 8 ? * MON 2200)", "cron(0 8 ? * MON *) ", "cron(0 8 ? * , *)"),
    ],
)
def test_a_wrong_expression_is_named(expression: str) -> None:
    with pytest.raises(ValueError, match=r"^Invalid Schedule Expression") as caught:
        parse(expression, None, 0)
    assert str(caught.value) == f"Invalid Schedule Expression {expression}."


@pytest.mark.parametrize("zone", ["Europe/Berln", "Europe", "../../etc/passwd", "CEST+1", "/", "Berlin\0"])
def test_a_wrong_zone_is_named(zone: str) -> None:
    with pytest.raises(ValueError, match="Invalid Schedule Expression Timezone"):
        parse("rate(1 hour)", zone, 0)
