"""Which schedules are due when the clock goes on, jumps, and goes back."""

import time
from typing import Any

from local_aws.server.scheduling.due import MOST_MISSED, DueSchedules, is_over

HOUR = 3600.0
DAY = 24 * HOUR
NOON = 1_795_608_000.0 - 1_795_608_000.0 % DAY + 12 * HOUR


def schedule(expression: str, **changes: Any) -> dict[str, Any]:
    dates = {"CreationDate": NOON, "LastModificationDate": NOON}
    return {"ScheduleExpression": expression, "State": "ENABLED", **dates, **changes}


def moments(due: DueSchedules, now: float, **schedules: dict[str, Any]) -> list[tuple[str, float]]:
    found = due.at(now, {(name,): one for name, one in schedules.items()})
    return [(one.key[0], one.moment - NOON) for one in found]


def test_each_occurrence_fires_once_and_a_jump_fires_them_in_their_order() -> None:
    due = DueSchedules(NOON)
    evening, morning = schedule("cron(0 19 * * ? *)"), schedule("cron(0 7 * * ? *)")
    assert moments(due, NOON + 1, evening=evening, morning=morning) == []
    found = moments(due, NOON + 2 * DAY, evening=evening, morning=morning)
    assert found == [
        *(("evening", 7 * HOUR), ("morning", 19 * HOUR)),
        *(("evening", 7 * HOUR + DAY), ("morning", 19 * HOUR + DAY)),
    ]
    assert moments(due, NOON + 2 * DAY, evening=evening, morning=morning) == []


def test_a_rate_is_due_at_once_and_makes_up_for_a_jump_once() -> None:
    due, tick = DueSchedules(NOON - 9), schedule("rate(5 minutes)")
    assert moments(due, NOON + 0.2, tick=tick) == [("tick", 0)]
    assert moments(due, NOON + 299, tick=tick) == []
    assert moments(due, NOON + 10 * HOUR, tick=tick) == [("tick", 10 * HOUR)]


def test_a_cron_expression_makes_up_for_so_many() -> None:
    due, often = DueSchedules(NOON), schedule("cron(* * * * ? *)")
    found = moments(due, NOON + DAY, often=often)
    assert (len(found), found[-1]) == (MOST_MISSED, ("often", DAY))


def test_a_jump_of_a_year_costs_no_more_than_a_jump_of_an_hour() -> None:
    due = DueSchedules(NOON)
    often = {f"cron{number}": schedule("cron(0/5 * * * ? *)") for number in range(20)}
    rare = schedule("cron(0 0 1 1 ? *)", CreationDate=NOON)
    began = time.process_time()
    found = moments(due, NOON + 400 * DAY, rare=rare, tick=schedule("rate(1 minute)"), **often)
    assert time.process_time() - began < 2
    assert len(found) == 20 * MOST_MISSED + 1 + 1
    assert found[-1] == ("tick", 400 * DAY)


def test_what_was_due_before_the_server_started_is_not_made_up_for() -> None:
    due = DueSchedules(NOON + 3 * DAY)
    assert moments(due, NOON + 3 * DAY, evening=schedule("cron(0 19 * * ? *)"), tick=schedule("rate(1 day)")) == []


def test_a_clock_that_goes_back_fires_nothing_twice_at_that_moment_and_goes_on() -> None:
    due, evening = DueSchedules(NOON), schedule("cron(0 19 * * ? *)")
    assert moments(due, NOON + 8 * HOUR, evening=evening) == [("evening", 7 * HOUR)]
    assert moments(due, NOON, evening=evening) == []
    assert moments(due, NOON + 8 * HOUR, evening=evening) == [("evening", 7 * HOUR)]


def test_a_change_counts_from_then_on() -> None:
    due = DueSchedules(NOON)
    assert moments(due, NOON + 1, one=schedule("cron(0 19 * * ? *)")) == []
    changed = schedule("cron(0 13 * * ? *)", LastModificationDate=NOON + 2 * HOUR)
    assert moments(due, NOON + 3 * HOUR, one=changed) == []
    assert moments(due, NOON + 26 * HOUR, one=changed) == [("one", 25 * HOUR)]
    assert moments(due, NOON + 26 * HOUR) == []
    assert moments(due, NOON + 26 * HOUR, one=changed) == [("one", 25 * HOUR)]


def test_the_state_and_the_dates_count() -> None:
    due = DueSchedules(NOON)
    off = schedule("rate(1 hour)", State="DISABLED")
    later = schedule("rate(1 hour)", StartDate=NOON + 90 * 60)
    ended = schedule("rate(1 hour)", EndDate=NOON + 90 * 60)
    assert moments(due, NOON + 3 * HOUR, off=off, later=later, ended=ended) == [
        *(("ended", HOUR), ("later", 2.5 * HOUR)),
    ]


def test_when_a_schedule_is_over() -> None:
    once = schedule("at(2026-11-25T19:00:00)", ScheduleExpressionTimezone="Europe/Berlin")
    moment = 1_795_629_600.0
    assert [is_over(once, moment - 1), is_over(once, moment)] == [False, True]
    assert [is_over(schedule("rate(1 day)"), NOON + 9 * DAY), is_over(schedule("rate(1 day)", EndDate=1.0), NOON)] == [
        False,
        True,
    ]
