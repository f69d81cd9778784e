"""Sleep and wake on the local cloud: every trigger, and every situation that must not leave the GPUs running.

The clock moves forward only, from test to test: each leaves the endpoint awake, or asleep, and says what it needs.
"""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from endpointctl.aws import Aws
from endpointctl.power import Power
from local_aws.conditions import set_conditions
from stacks.settings import Settings
from tests.support.cloud import Deployed, policies_of
from tests.support.power import BERLIN, Switched, workdays
from tests.support.templates import EXAMPLES, Content, changed, content_of

ENDPOINT = "cohere-office-hours"
STACK = "cohere-office-hours-endpoint"


@pytest.fixture(scope="module")
def content() -> Content:
    found = content_of(EXAMPLES / "office-hours.yaml")
    sleep = {"office_hours.except_dates": None, "on_demand.wakes_per_day": 2}
    return changed(found, {f"endpoint.sleep.{key}": value for key, value in sleep.items()})


@pytest.fixture(scope="module")
def switched(deployed: Deployed, content: Content) -> Switched:
    """The example, deployed on a morning in office hours."""
    one = Switched("office-hours", lambda conditions: set_conditions(conditions, deployed.cloud.conditions))
    one.move_to(next(workdays(one.now.date())), "09:00")
    one.deploy(content)
    return one


@pytest.fixture
def awake(switched: Switched) -> Iterator[Switched]:
    """The switch of an endpoint that is awake, for an hour."""
    _normal(switched)
    switched.call("wake", by="person", minutes=60)
    switched.wait(lambda one: one.is_awake)
    yield switched
    _normal(switched)


@pytest.fixture
def asleep(switched: Switched) -> Iterator[Switched]:
    """The switch of an endpoint that sleeps."""
    _normal(switched)
    switched.call("sleep", by="person")
    switched.wait(lambda one: one.is_asleep)
    yield switched
    _normal(switched)


def _normal(switched: Switched) -> None:
    switched.set(capacity={}, system_updating=(), stack_failures=())
    switched.wait(lambda one: one.settled)


def lines(switched: Switched, action: str, by: str, result: str) -> list[dict[str, Any]]:
    wanted = (action, by, result)
    return [line for line in switched.log() if (line["action"], line["by"], line["result"]) == wanted]


def test_office_hours_in_berlin_and_a_date_on_which_it_stays_asleep(awake: Switched, content: Content) -> None:
    days = workdays(awake.now.date())
    holiday, next_day = next(days), next(days)
    awake.deploy(changed(content, {"endpoint.sleep.office_hours.except_dates": [holiday]}))
    awake.call("extend", minutes=1)
    awake.move_to(awake.now.date(), "18:59")  # after the lease
    awake.wait(lambda one: one.is_asleep)
    awake.move_to(holiday, "07:30")
    awake.wait(lambda one: bool(lines(one, "wake", "office hours", "refused")))
    assert awake.is_asleep
    awake.move_to(holiday, "19:00")
    awake.move_to(next_day, "07:30")
    awake.wait(lambda one: one.is_awake)
    lease = awake.lease
    assert lease
    assert lease["owner"] == "office hours"
    assert datetime.fromtimestamp(lease["until"], BERLIN).isoformat()[:16] == f"{next_day}T19:00"
    awake.move_to(next_day, "19:00")
    awake.wait(lambda one: one.is_asleep)


def test_a_lease_wins_over_the_evening_and_ends_by_itself(asleep: Switched) -> None:
    asleep.move_to(next(workdays(asleep.now.date())), "18:00")
    asleep.wait(lambda one: one.is_awake)  # the morning was passed
    asleep.call("wake", by="person", minutes=180)
    _ask()  # or it would be idle before
    asleep.move_clock(3600)
    asleep.wait(lambda one: bool(lines(one, "sleep", "office hours", "refused")))
    assert asleep.is_awake
    _ask()
    asleep.move_clock(3500)
    _ask()
    asleep.move_clock(3700)
    asleep.wait(lambda one: one.is_asleep)
    assert lines(asleep, "sleep", "lease", "changed")


def test_an_hour_without_a_request_puts_it_to_sleep_and_never_a_minute_before(asleep: Switched) -> None:
    asleep.call("wake", by="person", minutes=600)
    asleep.wait(lambda one: one.is_awake)
    asleep.move_clock(3500)
    _ask()
    asleep.move_clock(3500)
    assert asleep.call("tick")["message"] == "it is awake and in use"
    asleep.move_clock(3700)
    asleep.wait(lambda one: one.is_asleep)
    # What was woken and never asked sleeps, too.
    asleep.call("wake", by="person", minutes=600)
    asleep.wait(lambda one: one.is_awake)
    asleep.move_clock(3700)
    asleep.wait(lambda one: one.is_asleep)
    assert asleep.call("status")["until"] is None


def _ask() -> None:
    body = json.dumps({"prompt": "hello", "max_tokens": 1}).encode()
    boto3.client("sagemaker-runtime").invoke_endpoint(EndpointName=ENDPOINT, ContentType="application/json", Body=body)[
        "Body"
    ].read()


def test_20_requests_at_once_wake_it_once_and_a_day_has_a_cap(asleep: Switched) -> None:
    before, events = asleep.updates, len(_requests(asleep))
    at_once([lambda: _event(action="wake", by="request")] * 20)
    asleep.wait(lambda one: one.is_awake and len(_requests(one)) == events + 20)
    assert asleep.updates == before + 1
    asleep.call("sleep", by="person")
    asleep.wait(lambda one: one.is_asleep)
    assert asleep.call("wake", by="request")["result"] == "changed"
    asleep.wait(lambda one: one.is_awake)
    asleep.call("sleep", by="person")
    asleep.wait(lambda one: one.is_asleep)
    answer = asleep.call("wake", by="request")
    assert (answer["result"], answer["awake"]) == ("capped", False)
    assert asleep.updates == before + 4


def _requests(switched: Switched) -> list[dict[str, Any]]:
    return [line for line in switched.log() if line["by"] == "request"]


def _event(**event: Any) -> Any:
    return boto3.client("lambda").invoke(
        FunctionName="cohere-office-hours-power", InvocationType="Event", Payload=json.dumps(event).encode()
    )


def at_once(calls: list[Any]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_triggers_at_once_are_one_after_the_other(asleep: Switched) -> None:
    at_once([lambda: _event(action="wake", by="person"), lambda: _event(action="sleep", by="person")])
    # Whichever came first: what is left over is tried again, and the answer says what is to be.
    asleep.wait(lambda one: one.settled and bool(lines(one, "wake", "person", "changed")))
    asleep.move_clock(360)
    asleep.wait(lambda one: one.is_awake or one.is_asleep)
    assert asleep.call("status")["awake"] == asleep.is_awake


def test_a_deployment_is_never_disturbed_and_the_sleep_comes_after_it(awake: Switched, content: Content) -> None:
    templates = awake.templates(changed(content, {"endpoint.instance_count": 2, "endpoint.autoscaling": None}))
    awake.set(endpoint_seconds=3)
    awake.stacks.begin("endpoint", templates["endpoint"])
    answer = awake.call("sleep", by="person")
    assert answer["result"] == "busy"
    awake.set(endpoint_seconds=0.3)
    awake.wait(lambda one: one.is_awake)
    awake.move_clock(301)
    awake.wait(lambda one: one.is_asleep)
    awake.deploy(content)


def test_a_wake_without_capacity_is_tried_again_and_reported(asleep: Switched) -> None:
    asleep.set(capacity={"ml.g5.xlarge": 0})
    assert asleep.call("wake", by="person", minutes=60)["result"] == "changed"
    asleep.wait(lambda one: one.is_asleep)
    answer = asleep.call("tick")
    assert answer["result"] == "changed"
    assert "attempt 1 failed" in answer["message"]
    assert "capacity" in answer["message"]
    assert asleep.log()[-1]["WakeFailures"] == 1
    asleep.wait(lambda one: one.is_asleep)
    asleep.set(capacity={})
    asleep.call("tick")
    asleep.wait(lambda one: one.is_awake)


def test_a_wake_is_given_up_in_the_end_and_the_next_one_begins_anew(asleep: Switched) -> None:
    asleep.set(capacity={"ml.g5.xlarge": 0})
    asleep.call("wake", by="person", minutes=600)
    for _ in range(5):
        asleep.wait(lambda one: one.is_asleep)
        assert asleep.call("tick")["result"] == "changed"
    asleep.wait(lambda one: one.is_asleep)
    assert asleep.call("tick")["result"] == "failed"
    assert asleep.call("tick") == {**asleep.call("status"), "result": "already", "message": "it sleeps"}
    asleep.set(capacity={})
    asleep.call("wake", by="person", minutes=60)
    asleep.wait(lambda one: one.is_awake)


def test_a_broken_stack_is_for_a_human_and_the_switch_goes_on_afterwards(asleep: Switched) -> None:
    asleep.set(stack_failures=("create AWS::ApplicationAutoScaling", f"rollback {STACK}"))
    asleep.call("wake", by="person", minutes=60)
    asleep.wait(lambda one: one.stacks.status("endpoint") == "UPDATE_ROLLBACK_FAILED")
    for action in ("sleep", "wake", "tick"):
        answer = asleep.call(action, by="person")
        assert answer["result"] == "failed", action
        assert f"continue-update-rollback --stack-name {STACK}" in answer["message"]
    asleep.set(stack_failures=())
    boto3.client("cloudformation").continue_update_rollback(StackName=STACK)
    asleep.wait(lambda one: one.settled)
    asleep.call("tick")
    asleep.wait(lambda one: one.is_awake)


def test_an_endpoint_that_is_updated_in_the_evening_sleeps_afterwards(awake: Switched) -> None:
    awake.set(system_updating=(ENDPOINT,))
    answer = awake.call("sleep", by="office hours")
    assert (answer["result"], answer["awake"]) == ("refused", True)  # the lease
    answer = awake.call("sleep", by="person")
    assert answer["result"] == "busy"
    assert "SystemUpdating" in answer["message"]
    awake.move_clock(301)
    awake.wait(lambda one: bool(lines(one, "sleep", "lease", "busy")))
    awake.set(system_updating=())
    awake.move_clock(301)
    awake.wait(lambda one: one.is_asleep)


def test_an_endpoint_that_cloudformation_left_running_is_deleted(awake: Switched) -> None:
    awake.set(stack_failures=("delete AWS::SageMaker::Endpoint",))
    awake.call("sleep", by="person")
    awake.wait(lambda one: one.settled)
    assert awake.call("status")["awake"] is False
    assert awake.endpoint == "InService"
    awake.set(stack_failures=())
    awake.move_clock(301)
    awake.wait(lambda one: one.is_asleep)
    assert any(line["SleepFailures"] == 1 and line["result"] == "repaired" for line in awake.log())
    awake.call("wake", by="person", minutes=60)
    awake.wait(lambda one: one.is_awake)


def test_without_its_policy_it_names_the_permission_and_changes_nothing(awake: Switched) -> None:
    iam = boto3.client("iam")
    name, policies = policies_of("office-hours-endpoint-PowerRole")
    (policy,) = policies
    without = json.loads(json.dumps(policies[policy]))
    without["Statement"] = [one for one in without["Statement"] if one["Action"] != "cloudformation:UpdateStack"]
    iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(without))
    try:
        answer = awake.call("sleep", by="person")
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(policies[policy]))
    assert answer["result"] == "failed"
    assert "cloudformation:UpdateStack" in answer["message"]
    assert awake.is_awake


def test_the_command_line_reads_what_the_function_did(asleep: Switched, content: Content) -> None:
    power = Power("office-hours", Settings.model_validate(content), Aws("us-east-1"))
    assert power.act("status").state == "asleep"
    assert power.act("wake", 60).result == "changed"
    asleep.wait(lambda one: one.is_awake)
    found = power.act("status")
    assert (found.state, found.is_awake) == ("awake", True)
    history = power.history()
    assert history
    assert history.since
    assert history.hours_asleep(asleep.now + timedelta(seconds=1), awake=True) > 0


def test_a_hijacked_switch_may_touch_its_own_stack_with_the_narrow_role_only(awake: Switched) -> None:
    """A user with the function's policies; the role itself trusts Lambda only."""
    iam = boto3.client("iam")
    _, policies = policies_of("office-hours-endpoint-PowerRole")
    iam.create_user(UserName="as-switch")
    for name, document in policies.items():
        iam.put_user_policy(UserName="as-switch", PolicyName=name, PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="as-switch")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    cloudformation, scheduler = session.client("cloudformation"), session.client("scheduler")
    template: Any = {"TemplateBody": json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})}
    own = "arn:aws:iam::111122223333:role/cdk-hnb659fds-cfn-exec-role-111122223333-us-east-1"
    target = {"Arn": "arn:aws:lambda:us-east-1:111122223333:function:cohere-office-hours-power", "RoleArn": own}
    schedule: Any = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}
    group = "cohere-office-hours"
    tries: list[Any] = [
        lambda: cloudformation.update_stack(StackName=STACK, **template),
        lambda: cloudformation.update_stack(StackName=STACK, RoleARN=own, **template),
        lambda: cloudformation.update_stack(StackName="cohere-local-endpoint", **template),
        lambda: cloudformation.delete_stack(StackName=STACK),
        lambda: cloudformation.describe_stacks(StackName="cohere-local-endpoint"),
        lambda: session.client("sagemaker").delete_endpoint(EndpointName="cohere-local"),
        lambda: session.client("sagemaker").create_endpoint(EndpointName="x", EndpointConfigName="x"),
        lambda: scheduler.create_schedule(GroupName=group, Name="another", **schedule),
        lambda: scheduler.create_schedule(GroupName=group, Name=f"{group}-lease", **schedule),  # another role
        lambda: scheduler.delete_schedule(GroupName=group, Name=f"{group}-tick"),
        lambda: session.client("iam").list_users(),
    ]
    for number, attempt in enumerate(tries):
        with pytest.raises(ClientError) as caught:
            attempt()
        assert "AccessDenied" in caught.value.response["Error"]["Code"], (number, caught.value)
    iam.delete_access_key(UserName="as-switch", AccessKeyId=key["AccessKeyId"])
    for name in policies:
        iam.delete_user_policy(UserName="as-switch", PolicyName=name)
    iam.delete_user(UserName="as-switch")
