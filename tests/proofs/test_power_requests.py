"""Requests that find the endpoint asleep, through the deployed proxy: they are told when to come back, and wake it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from endpointctl.commands.smoke import smoke
from endpointctl.refused import Asleep
from local_aws.conditions import set_conditions
from stacks import settings
from tests.support.cloud import Deployed
from tests.support.power import Switched
from tests.support.templates import EXAMPLES, changed, content_of

AT_ONCE = 20


@pytest.fixture(scope="module")
def switched(deployed: Deployed) -> Iterator[Switched]:
    """An environment whose requests wake its endpoint, asleep."""
    one = Switched("office-hours", lambda conditions: set_conditions(conditions, deployed.cloud.conditions))
    content = changed(content_of(EXAMPLES / "office-hours.yaml"), {"endpoint.sleep.office_hours": None})
    one.deploy(content)
    one.stacks.deploy(content, "proxy")
    one.call("sleep", by="person")
    one.wait(lambda one: one.is_asleep)
    yield one
    one.stacks.destroy("proxy", "endpoint")


def asked(switched: Switched) -> tuple[str, float | None]:
    try:
        switched.stacks.client().generate("Hello", max_tokens=5)
    except Asleep as error:
        return error.code, error.retry_after
    return "", None


def test_a_smoke_test_wakes_nothing(
    switched: Switched, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "read", lambda name: settings.read_file(EXAMPLES / f"{name}.yaml"))
    before = switched.updates
    smoke("office-hours")
    assert capsys.readouterr().out.startswith("office-hours: the endpoint sleeps and was not woken; ")
    assert (switched.is_asleep, switched.updates) == (True, before)


def test_requests_at_once_wake_it_once_and_are_answered_when_it_is_awake(switched: Switched) -> None:
    before = switched.updates
    switched.set(endpoint_seconds=8.0)  # most requests come before it is awake; on a busy machine not all
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = list(threads.map(asked, [switched] * AT_ONCE))
    assert {"asleep"} <= {code for code, _ in found} <= {"asleep", ""}
    assert all(seconds and 30 <= seconds <= 900 for code, seconds in found if code)
    switched.wait(lambda one: one.is_awake)
    assert switched.updates == before + 1
    assert asked(switched) == ("", None)
    lease = switched.lease
    assert lease
    assert lease["owner"] == "request"
