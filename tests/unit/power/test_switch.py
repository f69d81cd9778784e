"""Every decision of the switch: the stack's status, the parameter, the endpoint's status and what is asked for."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from botocore.exceptions import ClientError

from power.outcome import MAX_SLEEP_ATTEMPTS, MAX_WAKE_ATTEMPTS, RETRY_SECONDS, Limits
from power.state import Lease

from .stand_in import LIMITS, NOW, StandIn, person, refused, switch

SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
BUSY = (
    "CREATE_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
)
BROKEN = ("UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_FAILED")
CHANGING = ("Updating", "SystemUpdating", "Creating", "RollingBack", "Deleting")
ENDPOINTS = (None, "InService", "Failed", *CHANGING)
ACTIONS = ("wake", "sleep", "tick")


def expected(status: str, awake: bool, endpoint: str | None, action: str) -> str:
    """The table: what comes of a person's wake or sleep, and of a tick without a lease."""
    if status in BROKEN:
        return "failed"
    if status in BUSY:
        return "already" if (action, awake) in (("wake", True), ("sleep", False)) else "busy"
    if not awake and endpoint is not None:  # left behind by CloudFormation
        return "repaired" if endpoint in ("InService", "Failed") else "busy"
    if action == "tick":
        return "changed" if awake and endpoint == "InService" else "already"  # idle, or nothing to do
    if action == "wake":
        return "changed" if not awake else "failed" if endpoint is None else "already"
    return "already" if not awake else "busy" if endpoint in CHANGING else "changed"


@pytest.mark.parametrize(
    ("status", "awake", "endpoint", "action"),
    list(product((*SETTLED, *BUSY, *BROKEN), (True, False), ENDPOINTS, ACTIONS)),
)
def test_the_table(status: str, awake: bool, endpoint: str | None, action: str) -> None:
    cloud = StandIn(status, awake, state=endpoint)
    outcome = switch(cloud).act({"action": action, "by": "person"})
    assert outcome.result == expected(status, awake, endpoint, action), outcome
    assert outcome.message
    updates = [call for call in cloud.calls if call[0] == "update"]
    assert len(updates) == (outcome.result == "changed")
    # Never towards a state that nobody asked for, and never without an end.
    assert all(call[1] == (action == "wake") for call in updates)
    assert not updates or cloud.calls.index(updates[0]) > 0
    assert not updates or cloud.calls[0][0] == "lease"
    assert ("delete endpoint" in cloud.calls) == (outcome.result == "repaired")


def test_a_lease_that_cannot_be_planned_wakes_nothing() -> None:
    cloud = StandIn(awake=False, state=None)
    broken: Any = cloud

    def put_lease(lease: Lease, now: float) -> None:
        raise refused("no", "AccessDeniedException")

    broken.put_lease = put_lease
    with pytest.raises(ClientError):
        switch(cloud).act({"action": "wake"})
    assert cloud.calls == []


@pytest.mark.parametrize("minutes", [0, -1, 721, 1.5, "60", True])
def test_a_wrong_length_is_refused_with_what_is_allowed(minutes: Any) -> None:
    for action in ("wake", "extend"):
        cloud = StandIn(awake=False, state=None, planned=person(30))
        outcome = switch(cloud).act({"action": action, "minutes": minutes})
        assert outcome.result == "refused"
        assert "allowed: 1 to 720" in outcome.message
        assert cloud.calls == []


def test_a_broken_stack_is_woken_or_put_to_sleep_once_a_human_has_mended_it() -> None:
    for by in ("person", "office hours"):
        cloud = StandIn("UPDATE_ROLLBACK_FAILED", awake=False, state=None)
        outcome = switch(cloud).act({"action": "wake", "by": by})
        assert (outcome.result, outcome.wake_failed) == ("failed", True)
        assert "continue-update-rollback" in outcome.message
        cloud.status = "UPDATE_ROLLBACK_COMPLETE"
        assert switch(cloud).act({"action": "tick"}).result == "changed"
    cloud = StandIn("UPDATE_ROLLBACK_FAILED")
    outcome = switch(cloud).act({"action": "sleep", "by": "office hours"})
    assert (outcome.result, outcome.sleep_failed) == ("failed", True)
    assert cloud.planned
    cloud.status = "UPDATE_ROLLBACK_COMPLETE"
    event = {"action": "sleep", "by": "lease", "lease": vars(cloud.planned)}
    assert switch(cloud).act(event).result == "changed"
    # Of requests nothing is remembered: the next one asks again.
    cloud = StandIn("UPDATE_ROLLBACK_FAILED", awake=False, state=None)
    assert switch(cloud).act({"action": "wake", "by": "request"}).wake_failed
    assert cloud.calls == []


def test_a_wake_that_waits_for_a_human_is_taken_back() -> None:
    cloud = StandIn("UPDATE_ROLLBACK_FAILED", awake=False, state=None, planned=person(60))
    assert switch(cloud).act({"action": "sleep"}).result == "failed"
    assert cloud.planned is None


def test_an_unknown_action_is_refused() -> None:
    assert switch(StandIn()).act({"action": "destroy"}).result == "refused"
    assert switch(StandIn()).act({}).result == "refused"


@pytest.mark.parametrize(
    ("lease", "wins"),
    [(person(30), True), (replace(person(30), owner="request"), True), (None, False), (person(-1), False)]
    + [(replace(person(30), owner=owner), False) for owner in ("office hours", "sleep")],
)
def test_a_persons_lease_wins_over_the_evening(lease: Lease | None, wins: bool) -> None:
    cloud = StandIn(planned=lease)
    outcome = switch(cloud).act({"action": "sleep", "by": "office hours"})
    assert outcome.result == ("refused" if wins else "changed")


def test_the_end_of_a_lease_that_was_moved_meanwhile_does_nothing() -> None:
    old = person(0)
    cloud = StandIn(planned=replace(old, until=NOW + 3600, granted=NOW - 10))
    event = {"action": "sleep", "by": "lease", "lease": vars(old)}
    assert switch(cloud).act(event).result == "refused"
    assert switch(StandIn(planned=old)).act(event).result == "changed"


def test_a_shorter_wake_keeps_the_longer_lease_and_a_longer_one_moves_it() -> None:
    cloud = StandIn(planned=person(300))
    assert switch(cloud).act({"action": "wake", "minutes": 60}).result == "already"
    assert cloud.calls == []
    switch(cloud).act({"action": "wake", "minutes": 400})
    assert cloud.planned
    assert cloud.planned.until == NOW + 400 * 60


def test_the_morning_replaces_a_lease_that_ends_before_the_evening_and_no_later_one() -> None:
    for minutes, owner in ((60, "office hours"), (700, "person")):
        cloud = StandIn(planned=person(minutes))
        switch(cloud).act({"action": "wake", "by": "office hours"})
        assert cloud.planned
        assert cloud.planned.owner == owner


def test_office_hours_are_counted_from_their_own_time_and_not_from_that_of_a_late_event() -> None:
    cloud = StandIn(awake=False, state=None)
    event = {"action": "wake", "by": "office hours", "time": "2027-01-15T07:00:00Z"}  # 60 minutes before NOW
    assert switch(cloud).act(event).result == "changed"
    assert cloud.planned
    assert cloud.planned.until == NOW + 630 * 60
    late = switch(StandIn(awake=False, state=None), now=NOW + 86400).act(event)
    assert (late.result, "late" in late.message) == ("refused", True)


def test_an_excepted_date_does_not_wake_it() -> None:
    limits = replace(LIMITS, excepted=((NOW - 10, NOW + 10),))
    cloud = StandIn(awake=False, state=None)
    assert switch(cloud, limits).act({"action": "wake", "by": "office hours"}).result == "refused"
    assert switch(cloud, limits).act({"action": "wake", "by": "person"}).result == "changed"


def test_requests_wake_it_as_often_as_allowed_and_failed_wakes_count() -> None:
    cloud = StandIn(awake=False, state=None, tokens_of=["wake-request-1", "wake-person-2", "sleep-request-3"])
    assert switch(cloud).act({"action": "wake", "by": "request"}).result == "changed"
    cloud = StandIn(awake=False, state=None, tokens_of=["wake-request-1", "wake-request-2"])
    assert switch(cloud).act({"action": "wake", "by": "request"}).result == "capped"
    assert cloud.calls == []
    without = replace(LIMITS, wakes_per_day=0)
    outcome = switch(StandIn(awake=False, state=None), without).act({"action": "wake", "by": "request"})
    assert (outcome.result, "endpoint.sleep.on_demand" in outcome.message) == ("refused", True)


def test_a_request_changes_nothing_of_what_is_being_woken() -> None:
    for cloud in (StandIn("UPDATE_IN_PROGRESS"), StandIn(awake=False, state=None, planned=person(30, 2))):
        assert switch(cloud).act({"action": "wake", "by": "request"}).result == "already"
        assert cloud.calls == []


def test_a_wake_that_failed_is_tried_again_and_given_up_in_the_end() -> None:
    cloud = StandIn("UPDATE_ROLLBACK_COMPLETE", awake=False, state=None, planned=person(300, 1))
    for attempt in range(2, MAX_WAKE_ATTEMPTS + 1):
        outcome = switch(cloud).act({"action": "tick"})
        assert (outcome.result, outcome.wake_failed) == ("changed", True)
        assert "no capacity" in outcome.message
        assert cloud.planned
        assert cloud.planned.attempt == attempt
        cloud.status, cloud.awake = "UPDATE_ROLLBACK_COMPLETE", False
    outcome = switch(cloud).act({"action": "tick"})
    assert (outcome.result, outcome.wake_failed, cloud.planned) == ("failed", True, None)
    assert switch(cloud).act({"action": "tick"}).result == "already"


def test_a_wake_during_a_deployment_comes_after_it() -> None:
    cloud = StandIn("UPDATE_IN_PROGRESS", awake=False, state=None)
    assert switch(cloud).act({"action": "wake"}).result == "busy"
    cloud.status = "UPDATE_COMPLETE"
    outcome = switch(cloud).act({"action": "tick"})
    assert (outcome.result, outcome.wake_failed) == ("changed", False)


def test_a_sleep_is_tried_again_until_it_is_a_failure() -> None:
    cloud = StandIn(state="Updating")
    event: dict[str, Any] = {"action": "sleep", "by": "person"}
    for _ in range(MAX_SLEEP_ATTEMPTS):
        assert switch(cloud).act(event).result == "busy"
        assert cloud.planned
        assert cloud.planned.until == NOW + RETRY_SECONDS
        event = {"action": "sleep", "by": "lease", "lease": vars(cloud.planned)}
    outcome = switch(cloud).act(event)
    assert (outcome.result, outcome.sleep_failed) == ("failed", True)


def test_putting_it_to_sleep_ends_a_wake_that_is_tried_again() -> None:
    cloud = StandIn(awake=False, state=None, planned=person(300, 2))
    assert switch(cloud).act({"action": "sleep"}).result == "already"
    assert cloud.planned is None


def test_idleness_waits_after_a_wake_a_lease_a_deployment_and_a_request() -> None:
    tick = {"action": "tick"}
    assert switch(StandIn()).act(tick).result == "changed"
    assert switch(StandIn(changed=NOW - 3599)).act(tick).result == "already"
    assert switch(StandIn(serves=NOW - 3599)).act(tick).result == "already"  # a wake can take longer than idle_minutes
    assert switch(StandIn(asked=True)).act(tick).result == "already"
    assert switch(StandIn(state="Updating")).act(tick).result == "already"
    assert switch(StandIn(planned=person(30))).act(tick).result == "already"  # granted a minute ago
    old = replace(person(30), granted=NOW - 3601)
    assert switch(StandIn(planned=old)).act(tick).result == "changed"
    assert switch(StandIn(), replace(LIMITS, idle_minutes=0)).act(tick).result == "already"


def test_what_was_woken_and_has_lost_its_lease_sleeps_and_what_was_deployed_stays() -> None:
    limits = replace(LIMITS, idle_minutes=0)
    assert switch(StandIn(tokens_of=["wake-person-1"]), limits).act({"action": "tick"}).result == "changed"
    assert switch(StandIn(), limits).act({"action": "tick"}).result == "already"


def test_extend_moves_the_lease_and_never_beyond_the_longest() -> None:
    cloud = StandIn(planned=person(30, 1))
    assert switch(cloud).act({"action": "extend", "minutes": 60}).result == "changed"
    assert cloud.planned
    assert cloud.planned.until == NOW + 90 * 60
    assert switch(cloud).act({"action": "extend", "minutes": 700}).result == "refused"
    for without in (
        StandIn(),
        StandIn(planned=replace(person(5), owner="sleep")),
        StandIn(awake=False, planned=person(5)),
    ):
        assert switch(without).act({"action": "extend"}).result == "refused"
        assert without.calls == []


@pytest.mark.parametrize(
    ("message", "result"),
    [
        ("No updates are to be performed.", "already"),
        ("Stack:x is in UPDATE_IN_PROGRESS state and can not be updated.", "busy"),
    ],
)
def test_what_cloudformation_refuses_at_the_last_moment(message: str, result: str) -> None:
    cloud = StandIn(refusal=refused(message))
    assert switch(cloud).act({"action": "sleep"}).result == result


def test_tokens_are_what_cloudformation_takes() -> None:
    cloud = StandIn()
    switch(cloud).act({"action": "sleep", "by": "a_b/ü " * 90})
    (token,) = cloud.tokens_of
    assert token.replace("-", "").isalnum()
    assert token.isascii()
    assert len(token) < 100


def test_an_orphan_is_not_deleted_when_the_stack_changed_meanwhile() -> None:
    cloud = StandIn(awake=False, planned=None)
    found: Any = cloud

    def endpoint() -> str:
        cloud.awake, cloud.status = True, "UPDATE_IN_PROGRESS"
        return "InService"

    found.endpoint = endpoint
    assert switch(cloud).act({"action": "tick"}).result == "busy"
    assert cloud.calls == []


def test_limits_have_defaults() -> None:
    assert Limits(1, 2).excepted == ()
