"""``endpoint.sleep`` in an environment file: each problem is one line, and names the key."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
import yaml
from aws_cdk import App

from sagemaker_llm import OfficeHours, OptionError, SleepPlan
from sagemaker_llm.operations.sleep_plan import LeaseLengths, OnDemand
from stacks import settings, stage
from stacks.settings.errors import SettingsError
from tests.support.templates import EXAMPLES, changed, content_of

HOURS = "endpoint.sleep.office_hours"
SCHEDULE = {"name": "x", "schedule": "cron(0 20 ? * * *)", "min_instances": 1, "max_instances": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{HOURS}.sleep": "07:30"}, f"{HOURS}.sleep: '07:30' is also the time of wake"),
        ({f"{HOURS}.wake": "24:00"}, f"{HOURS}.wake: '24:00' is wrong"),
        ({f"{HOURS}.wake": "7:30"}, f"{HOURS}.wake: '7:30' is wrong"),
        (
            {f"{HOURS}.sleep": 1140},
            f"{HOURS}.sleep: 1140 is wrong; allowed: a valid string in quotes",
        ),  # 19:00 unquoted
        ({f"{HOURS}.wake": None}, f"{HOURS}.wake: is missing"),
        ({f"{HOURS}.timezone": "Mars/Base"}, f"{HOURS}.timezone: 'Mars/Base' is no IANA time zone"),
        ({f"{HOURS}.days": []}, f"{HOURS}.days: [] are none"),
        ({f"{HOURS}.days": ["MON", "MON"]}, f"{HOURS}.days: ['MON', 'MON'] are none, or have one twice"),
        ({f"{HOURS}.days": ["Mon"]}, f"{HOURS}.days.0: 'Mon' is wrong; allowed: 'MON'"),
        (
            {f"{HOURS}.except_dates": ["2026-02-30"]},
            f"{HOURS}.except_dates.0: '2026-02-30' is wrong; allowed: a date, e.g. 2026-12-24",
        ),
        (
            {f"{HOURS}.except_dates": ["2026-12-24"] * 2},
            f"{HOURS}.except_dates: ['2026-12-24', '2026-12-24'] has a date",
        ),
        ({"endpoint.sleep.idle_minutes": 14}, "endpoint.sleep.idle_minutes: 14 is wrong"),
        ({"endpoint.sleep.on_demand.wakes_per_day": 0}, "endpoint.sleep.on_demand.wakes_per_day: 0 is wrong"),
        ({"endpoint.sleep.on_demand": {}}, "endpoint.sleep.on_demand.wakes_per_day: is missing"),
        ({"endpoint.sleep.lease": {"max_minutes": 60}}, "endpoint.sleep.lease.default_minutes: 120 is out of range"),
        ({"endpoint.sleep.nap": 1}, "endpoint.sleep.nap: unknown key; allowed: office_hours"),
        (
            {"endpoint.autoscaling.schedules": [SCHEDULE]},
            "endpoint.sleep: 'with endpoint.autoscaling.schedules' has two clocks for one fleet",
        ),
        (
            {
                "endpoint.more_variants": {
                    "Other": {
                        "model": content_of(EXAMPLES / "office-hours.yaml")["model"],
                        "instance_type": "ml.g5.xlarge",
                        "autoscaling": {"max_instances": 2, "target": 4.0, "schedules": [SCHEDULE]},
                    }
                }
            },
            "endpoint.sleep: 'with endpoint.more_variants.Other.autoscaling.schedules' has two clocks",
        ),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    content = changed(content_of(EXAMPLES / "office-hours.yaml"), changes)
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(content), "utf-8")
    monkeypatch.setattr(settings, "ENVIRONMENTS", tmp_path)
    with pytest.raises(SettingsError) as caught:
        stage.declare(App(builtin_cloud_formation_validation=False), "wrong")
    (problem,) = caught.value.problems
    assert problem.partition("wrong.yaml: ")[2].startswith(message), problem
    assert "\n" not in problem


def test_a_date_in_a_file_that_does_not_exist_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (EXAMPLES / "office-hours.yaml").read_text("utf-8").replace("2026-12-24", "2026-02-30")
    (tmp_path / "wrong.yaml").write_text(text, "utf-8")
    monkeypatch.setattr(settings, "ENVIRONMENTS", tmp_path)
    with pytest.raises(SettingsError) as caught:
        settings.read("wrong")
    (problem,) = caught.value.problems
    assert "wrong.yaml" in problem
    assert "\n" not in problem


def test_hours_overnight_are_on_two_days_and_the_week_goes_round() -> None:
    hours = OfficeHours("22:00", "06:00", "UTC", days=("SUN", "MON"))
    assert hours.is_overnight
    assert hours.minutes == 480
    assert hours.wake_expression == "cron(0 22 ? * MON,SUN *)"
    assert hours.sleep_expression == "cron(0 6 ? * MON,TUE *)"


def test_excepted_dates_are_days_of_the_zone_with_its_daylight_saving_time() -> None:
    # Clocks change in Berlin on 2026-03-29 and 2026-10-25: these days have 23 and 25 hours.
    hours = OfficeHours("07:30", "19:00", "Europe/Berlin", except_dates=(date(2026, 10, 25), date(2026, 3, 29)))
    assert [(end - start) / 3600 for start, end in hours.excepted()] == [23, 25]
    assert datetime.fromtimestamp(hours.excepted()[0][0], UTC).isoformat() == "2026-03-28T23:00:00+00:00"


def test_the_next_change_is_what_the_schedules_do() -> None:
    hours = OfficeHours("07:30", "19:00", "Europe/Berlin", except_dates=(date(2026, 10, 26),))
    berlin = ZoneInfo("Europe/Berlin")
    friday = datetime(2026, 10, 23, 12, tzinfo=berlin)
    evening, wakes = hours.next_change(friday)
    assert (evening.isoformat(), wakes) == ("2026-10-23T19:00:00+02:00", False)
    # The evening of the excepted Monday comes, and its morning does not; winter has begun.
    assert hours.next_change(evening)[0].isoformat() == "2026-10-26T19:00:00+01:00"
    assert hours.next_change(hours.next_change(evening)[0])[0].isoformat() == "2026-10-27T07:30:00+01:00"
    night = OfficeHours("22:00", "06:00", "UTC", days=("FRI",))
    assert night.next_change(datetime(2026, 10, 23, 23, tzinfo=UTC))[0].isoformat() == "2026-10-24T06:00:00+00:00"


def test_variables_are_those_of_what_is_set() -> None:
    assert SleepPlan().variables == {"DEFAULT_MINUTES": "120", "MAX_MINUTES": "720"}
    hours = OfficeHours("07:30", "19:00", "Europe/Berlin", except_dates=(date(2026, 12, 24),))
    plan = SleepPlan(hours, idle_minutes=60, on_demand=OnDemand(5), lease=LeaseLengths(30, 60))
    assert plan.variables == {
        "DEFAULT_MINUTES": "30",
        "MAX_MINUTES": "60",
        "IDLE_MINUTES": "60",
        "OFFICE_MINUTES": "690",
        "EXCEPTED": "1798066800/1798153200",
        "WAKES_PER_DAY": "5",
        "REQUEST_MINUTES": "60",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SleepPlan(idle_minutes=5),
        lambda: OnDemand(0),
        lambda: OnDemand(1, minutes=1),
        lambda: LeaseLengths(default_minutes=0),
        lambda: LeaseLengths(max_minutes=10_081),
        lambda: OfficeHours("25:00", "19:00", "UTC"),
        lambda: OfficeHours("07:00", "19:00", "UTC", days=cast("Any", ["XXX"])),
        lambda: OfficeHours("07:00", "19:00", "UTC", except_dates=[date(2026, 1, 1 + day % 28) for day in range(61)]),
    ],
)
def test_the_library_refuses_the_same_by_itself(wrong: Any) -> None:
    with pytest.raises(OptionError):
        wrong()
