"""Schedules of the local cloud: in their time zone, as their role, on the movable clock, and what is refused."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.conditions import Conditions
from tests.support.cloud import Deployed, policy

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:scheduled"
SOURCE = """
import boto3, json, time
from datetime import datetime, timezone


def handler(event, context):
    time.sleep(event.get("seconds", 0)) if isinstance(event, dict) else None
    now = {"time": time.time(), "now": datetime.now(timezone.utc).timestamp()}
    now["left"] = context.get_remaining_time_in_millis()
    boto3.client("sqs").send_message(QueueUrl=QUEUE, MessageBody=json.dumps({"event": event, "clock": now}))
    if isinstance(event, dict) and event.get("fails"):
        raise RuntimeError("as asked")
"""


def role(name: str, service: str, *statements: dict[str, Any]) -> str:
    iam = boto3.client("iam")
    trust = policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    for number, statement in enumerate(statements):
        iam.put_role_policy(RoleName=name, PolicyName=f"p{number}", PolicyDocument=policy(statement))
    return arn


class Answers:
    """What the function tells of its invocations."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sqs = boto3.client("sqs")

    def next(self, seconds: int = 8) -> Any:
        (message,) = self.some(seconds)
        return message

    def some(self, seconds: int) -> list[Any]:
        found = self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=seconds).get("Messages", [])
        for one in found:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=one["ReceiptHandle"])
        return [json.loads(one["Body"]) for one in found]


@pytest.fixture(scope="module")
def answers(deployed: Deployed) -> Answers:
    """The function ``scheduled``, which tells of its invocations."""
    url = boto3.client("sqs").create_queue(QueueName="answers")["QueueUrl"]
    own = role("function", "lambda.amazonaws.com", {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("code.py", SOURCE.replace("QUEUE", repr(url)))
    boto3.client("lambda").create_function(
        FunctionName="scheduled",
        Runtime="python3.11",
        Role=own,
        Handler="code.handler",
        Code={"ZipFile": code.getvalue()},
        Timeout=30,
    )
    return Answers(url)


@pytest.fixture(scope="module")
def caller(deployed: Deployed) -> str:
    """A role that may invoke the function."""
    may = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": FUNCTION}
    sends = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    return role("caller", "scheduler.amazonaws.com", may, sends)


class Schedule:
    """Makes schedules whose target is the function."""

    def __init__(self, caller: str) -> None:
        self._caller = caller
        self.client = boto3.client("scheduler")

    def make(self, name: str, expression: str, zone: str = "UTC", **options: Any) -> None:
        target = {"Arn": FUNCTION, "RoleArn": self._caller, "RetryPolicy": {"MaximumRetryAttempts": 0}}
        self.client.create_schedule(
            Name=name,
            ScheduleExpression=expression,
            ScheduleExpressionTimezone=zone,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={**target, **options.pop("Target", {})},
            **options,
        )

    def names(self) -> list[str]:
        return [one["Name"] for one in self.client.list_schedules()["Schedules"]]


@pytest.fixture
def schedule(answers: Answers, caller: str, account: Callable[[Conditions], None]) -> Iterator[Schedule]:
    one = Schedule(caller)
    yield one
    one.client = boto3.client("scheduler")
    for name in one.names():
        one.client.delete_schedule(Name=name)
    account(Conditions())
    answers.some(0)


def at(seconds: float) -> str:
    return f"at({datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S})"


def test_a_lease_ends_once_with_its_context_and_is_gone(schedule: Schedule, answers: Answers) -> None:
    text = json.dumps(
        {
            "at": "<aws.scheduler.scheduled-time>",
            "arn": "<aws.scheduler.schedule-arn>",
            "attempt": "<aws.scheduler.attempt-number>",
            "id": "<aws.scheduler.execution-id>",
        }
    )
    expression = at(2)
    schedule.make("lease", expression, ActionAfterCompletion="DELETE", Target={"Input": text})
    event = answers.next()["event"]
    assert event["at"] == expression[3:-1] + "Z"
    assert event["arn"] == "arn:aws:scheduler:us-east-1:111122223333:schedule/default/lease"
    assert event["attempt"] == "1"
    assert len(event["id"]) == 36
    until = time.monotonic() + 3
    while schedule.names():
        assert time.monotonic() < until


def test_office_hours_in_berlin_on_the_movable_clock_which_the_function_sees(
    schedule: Schedule, answers: Answers, account: Callable[[Conditions], None]
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    schedule.make("evening", "cron(0 19 ? * * *)", "Europe/Berlin", Target={"Input": '{"by": "office hours"}'})
    now = datetime.now(berlin)
    evening = now.replace(hour=19, minute=0, second=0, microsecond=0)
    evening += timedelta(days=evening <= now)
    assert answers.some(1) == []
    ahead = evening.timestamp() - now.timestamp() + 5
    account(Conditions(clock_ahead_seconds=ahead))
    told = answers.next()
    assert told["event"] == {"by": "office hours"}
    assert abs(told["clock"]["now"] - time.time() - ahead) < 10
    assert abs(told["clock"]["time"] - time.time() - ahead) < 10
    assert 20_000 < told["clock"]["left"] <= 30_000


def test_a_rate_is_due_at_once_and_a_jump_makes_up_for_it_once(
    schedule: Schedule, answers: Answers, account: Callable[[Conditions], None]
) -> None:
    schedule.make("tick", "rate(5 minutes)", Target={"Input": '{"n": "<aws.scheduler.scheduled-time>"}'})
    first = answers.next()["event"]["n"]
    account(Conditions(clock_ahead_seconds=36_000))
    last = answers.next()["event"]["n"]
    assert answers.some(1) == []
    passed = datetime.fromisoformat(last) - datetime.fromisoformat(first)
    assert passed in (timedelta(hours=10), timedelta(hours=10) - timedelta(minutes=5))


def test_a_role_that_may_not_invoke_does_not(schedule: Schedule, answers: Answers, account: Any) -> None:
    iam = boto3.client("iam")
    saved = policy({"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": FUNCTION})
    schedule.make("denied", "cron(0 0 1 1 ? *)")
    iam.delete_role_policy(RoleName="caller", PolicyName="p0")
    try:
        account(Conditions(clock_ahead_seconds=366 * 86_400))
        assert answers.some(2) == []
    finally:
        iam.put_role_policy(RoleName="caller", PolicyName="p0", PolicyDocument=saved)
    cloudwatch = boto3.client("cloudwatch")
    names = {one["MetricName"] for one in cloudwatch.list_metrics(Namespace="AWS/Scheduler")["Metrics"]}
    assert {"TargetErrorCount", "InvocationDroppedCount"} <= names


def test_a_disabled_schedule_and_one_that_has_ended_do_not_fire(
    schedule: Schedule, answers: Answers, account: Callable[[Conditions], None]
) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=10)
    schedule.make("disabled", "rate(1 minute)", State="DISABLED")
    schedule.make("later", "rate(1 minute)", StartDate=soon + timedelta(days=1))
    schedule.make("ended", "cron(0 0 1 1 ? *)", EndDate=soon, ActionAfterCompletion="DELETE")
    assert answers.some(1) == []
    account(Conditions(clock_ahead_seconds=3600))
    assert answers.some(1) == []
    assert schedule.names() == ["disabled", "later"]


def test_a_universal_target_calls_any_operation_as_the_role(schedule: Schedule, answers: Answers) -> None:
    url = answers._url
    body = json.dumps({"QueueUrl": url, "MessageBody": '{"by": "<aws.scheduler.attempt-number>"}'})
    target = {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": body}
    schedule.make("universal", "rate(1 hour)", Target=target)
    assert answers.next() == {"by": "1"}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("cron(0 19 * * * *)", {}, "Invalid Schedule Expression cron(0 19 * * * *)."),
    ("rate(5 minute)", {}, "Invalid Schedule Expression rate(5 minute)."),
    ("at(2020-01-01T00:00:00)", {}, "Invalid Schedule Expression at(2020-01-01T00:00:00)."),
    ("rate(1 hour)", {"zone": "Europe/Berln"}, "Invalid Schedule Expression Timezone Europe/Berln."),
    ("rate(1 hour)", {"Target": {"Input": "{"}}, "Invalid RequestJson provided"),
    ("rate(1 hour)", {"Target": {"RoleArn": "arn:aws:iam::111122223333:role/nobody"}}, "must allow AWS EventBridge"),
    ("rate(1 hour)", {"Target": {"RoleArn": "arn:aws:iam::111122223333:role/function"}}, "must allow AWS EventBridge"),
    ("rate(1 hour)", {"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:receiveMessage"}}, "not a supported API"),
    ("rate(1 hour)", {"ActionAfterCompletion": "KEEP"}, "enum value set: [NONE, DELETE]"),
    ("rate(1 hour)", {"StartDate": datetime(2020, 1, 1, tzinfo=UTC)}, "cannot be earlier than 5 minutes ago."),
    ("rate(1 hour)", {"EndDate": datetime(2020, 1, 1, tzinfo=UTC)}, "EndDate"),
]


@pytest.mark.parametrize(("expression", "options", "message"), REFUSED)
def test_what_the_service_refuses(schedule: Schedule, expression: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as caught:
        schedule.make("wrong", expression, **options)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert message in str(caught.value)
    assert schedule.names() == []


def test_who_makes_a_schedule_needs_to_pass_its_role(schedule: Schedule, caller: str) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="scheduling")
    key = iam.create_access_key(UserName="scheduling")["AccessKey"]
    makes = {"Effect": "Allow", "Action": "scheduler:*", "Resource": "*"}
    passes = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": caller}
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    schedule.client = session.client("scheduler")
    try:
        iam.put_user_policy(UserName="scheduling", PolicyName="may", PolicyDocument=policy(makes))
        with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole on resource"):
            schedule.make("passed", "rate(1 day)", State="DISABLED")
        iam.put_user_policy(UserName="scheduling", PolicyName="may", PolicyDocument=policy(makes, passes))
        schedule.make("passed", "rate(1 day)", State="DISABLED")
        assert schedule.names() == ["passed"]
        schedule.client.delete_schedule(Name="passed")
    finally:
        iam.delete_access_key(UserName="scheduling", AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName="scheduling", PolicyName="may")
        iam.delete_user(UserName="scheduling")


@pytest.fixture
def one_at_a_time(answers: Answers) -> Iterator[Any]:
    """The function with reserved concurrency 1, and no second attempt when it fails."""
    client = boto3.client("lambda")
    client.put_function_concurrency(FunctionName="scheduled", ReservedConcurrentExecutions=1)
    client.put_function_event_invoke_config(FunctionName="scheduled", MaximumRetryAttempts=0)
    yield client
    client.delete_function_concurrency(FunctionName="scheduled")
    client.delete_function_event_invoke_config(FunctionName="scheduled")


def test_events_wait_for_the_one_that_runs_and_none_is_lost(one_at_a_time: Any, answers: Answers) -> None:
    for number in range(4):
        payload = json.dumps({"number": number, "seconds": 0.2})
        one_at_a_time.invoke(FunctionName="scheduled", InvocationType="Event", Payload=payload)
    assert sorted(answers.next()["event"]["number"] for _ in range(4)) == [0, 1, 2, 3]


def test_a_failed_event_is_not_tried_again(one_at_a_time: Any, answers: Answers) -> None:
    one_at_a_time.invoke(FunctionName="scheduled", InvocationType="Event", Payload=b'{"fails": true}')
    assert answers.next()["event"] == {"fails": True}
    assert answers.some(2) == []


def test_who_puts_an_event_into_the_queue_needs_to_be_allowed(answers: Answers) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    try:
        with pytest.raises(ClientError, match="not authorized to perform: lambda:InvokeFunction"):
            session.client("lambda").invoke(FunctionName="scheduled", InvocationType="Event", Payload=b"{}")
    finally:
        iam.delete_access_key(UserName="nobody", AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName="nobody")
    assert answers.some(0) == []


def test_a_rule_invokes_the_function_that_allows_it(answers: Answers) -> None:
    events, functions = boto3.client("events"), boto3.client("lambda")
    events.put_rule(Name="anything", EventPattern='{"source": ["test"]}')
    events.put_targets(Rule="anything", Targets=[{"Id": "function", "Arn": FUNCTION, "Input": '{"by": "rule"}'}])
    entry: Any = {"Source": "test", "DetailType": "any", "Detail": "{}"}
    try:
        events.put_events(Entries=[entry])
        assert answers.some(1) == []
        functions.add_permission(
            FunctionName="scheduled",
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
        )
        events.put_events(Entries=[entry])
        assert answers.next()["event"] == {"by": "rule"}
    finally:
        events.remove_targets(Rule="anything", Ids=["function"])
        events.delete_rule(Name="anything")


def test_a_schedule_of_cloudformation_keeps_its_time_zone(schedule: Schedule, caller: str) -> None:
    properties = {
        "Name": "of-a-stack",
        "ScheduleExpression": "cron(0 7 ? * MON-FRI *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "StartDate": "2030-01-01T00:00:00Z",
        "Target": {"Arn": FUNCTION, "RoleArn": caller, "Input": "{}"},
    }
    cloudformation = boto3.client("cloudformation")

    def template(**changes: Any) -> str:
        one = {"Type": "AWS::Scheduler::Schedule", "Properties": {**properties, **changes}}
        return json.dumps({"Resources": {"Schedule": one}})

    wait: Any = {"Delay": 1, "MaxAttempts": 9}
    cloudformation.create_stack(StackName="schedules", TemplateBody=template())
    cloudformation.get_waiter("stack_create_complete").wait(StackName="schedules", WaiterConfig=wait)
    made = schedule.client.get_schedule(Name="of-a-stack")
    assert (made["ScheduleExpressionTimezone"], made["StartDate"].year) == ("Europe/Berlin", 2030)
    cloudformation.update_stack(StackName="schedules", TemplateBody=template(ScheduleExpressionTimezone="Asia/Tokyo"))
    cloudformation.get_waiter("stack_update_complete").wait(StackName="schedules", WaiterConfig=wait)
    assert schedule.client.get_schedule(Name="of-a-stack")["ScheduleExpressionTimezone"] == "Asia/Tokyo"
    cloudformation.update_stack(StackName="schedules", TemplateBody=template(ScheduleExpressionTimezone="Mars"))
    with pytest.raises(Exception, match="Waiter"):
        cloudformation.get_waiter("stack_update_complete").wait(StackName="schedules", WaiterConfig=wait)
    assert schedule.client.get_schedule(Name="of-a-stack")["ScheduleExpressionTimezone"] == "Asia/Tokyo"
    cloudformation.delete_stack(StackName="schedules")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="schedules", WaiterConfig=wait)
    assert schedule.names() == []
