"""The clock that a function of the local cloud sees."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local_aws.runner.cloud import ROOT

SOURCE = ROOT / "local_aws" / "server" / "functions" / "moved_clock.py"
PROGRAM = """
real = (_time(), _datetime.now())
install()
import datetime, json, pickle, time
from datetime import date, timezone
from zoneinfo import ZoneInfo
class Own(datetime.datetime): pass
moment = datetime.datetime.now(timezone.utc)
print(json.dumps({
    "time": time.time() - real[0],
    "nanoseconds": time.time_ns() / 1e9 - real[0],
    "now": moment.timestamp() - real[0],
    "zoned": datetime.datetime.now(ZoneInfo("Europe/Berlin")).timestamp() - real[0],
    "utcnow": datetime.datetime.utcnow().replace(tzinfo=timezone.utc).timestamp() - real[0],
    "naive": datetime.datetime.now().timestamp() - real[0],
    "today": (date.today() - real[1].date()).days,
    "is": [
        isinstance(moment, datetime.datetime), isinstance(real[1], datetime.datetime), isinstance(real[1], date),
        issubclass(datetime.datetime, date), pickle.loads(pickle.dumps(moment)) == moment,
        datetime.datetime.fromisoformat(moment.isoformat()) == moment, isinstance(Own(2026, 1, 1), datetime.datetime),
    ],
    "is not": [isinstance(moment, Own), isinstance(date.today(), datetime.datetime), issubclass(int, date)],
}))
"""


def seen(conditions: Path) -> dict[str, Any]:
    program = SOURCE.read_text("utf-8") + PROGRAM
    environment = {"LOCAL_AWS_CONDITIONS": str(conditions)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("ahead", [0, 10 * 86_400])
def test_every_way_to_ask_for_the_time_is_moved(tmp_path: Path, ahead: int) -> None:
    file = tmp_path / "conditions.json"
    file.write_text(json.dumps({"clock_ahead_seconds": ahead}), "utf-8")
    told = seen(file)
    for name in ("time", "nanoseconds", "now", "zoned", "utcnow", "naive"):
        assert ahead <= told[name] < ahead + 5, name
    assert told["today"] == ahead // 86_400
    assert (set(told["is"]), set(told["is not"])) == ({True}, {False})


@pytest.mark.parametrize("text", [None, "", "{", "{}", '{"clock_ahead_seconds": null}'])
def test_without_a_moved_clock_it_is_the_machines(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "conditions.json").write_text(text, "utf-8")
    assert 0 <= seen(tmp_path / "conditions.json")["now"] < 5
