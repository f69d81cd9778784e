"""What the function sends to AWS, answers and logs."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from power.handler import handler, limits
from proxy.metrics import NAMESPACE
from stacks.settings import ENVIRONMENTS

ARN = "arn:aws:lambda:us-east-1:111122223333:function:cohere-dev-power"
VARIABLES = {
    "STACK": "cohere-dev-endpoint",
    "ENDPOINT": "cohere-dev",
    "VARIANTS": "AllTraffic Other",
    "GROUP": "cohere-dev",
    "LEASE": "cohere-dev-lease",
    "SCHEDULER_ROLE_ARN": "arn:aws:iam::111122223333:role/scheduler",
    "SERVICE_ROLE_ARN": "arn:aws:iam::111122223333:role/service",
    "ENVIRONMENT": "dev",
    "DEFAULT_MINUTES": "120",
    "MAX_MINUTES": "720",
    "IDLE_MINUTES": "60",
}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def refused(code: str, message: str, operation: str = "x") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


GONE = refused("ValidationException", 'Could not find endpoint "cohere-dev".')
NO_LEASE = refused("ResourceNotFoundException", "Schedule cohere-dev-lease does not exist.")


class Aws:
    """Answers operations, and remembers their requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {
            "DescribeStacks": stack("true"),
            "DescribeEndpoint": {"EndpointStatus": "InService"},
            "GetSchedule": NO_LEASE,
        }
        for name, value in {**VARIABLES, "AWS_DEFAULT_REGION": "us-east-1"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(BaseClient, "_make_api_call", lambda _, name, request: self._answer(name, request))

    def _answer(self, name: str, request: dict[str, Any]) -> Any:
        self.requests.append((name, request))
        found = self.answers.get(name, {})
        if isinstance(found, Exception):
            raise found
        return found

    def request(self, name: str) -> dict[str, Any]:
        (found,) = [request for one, request in self.requests if one == name]
        return found

    def names(self) -> list[str]:
        return [name for name, _ in self.requests]


def stack(awake: str) -> dict[str, Any]:
    parameters = [
        {"ParameterKey": "Awake", "ParameterValue": awake},
        {"ParameterKey": "BootstrapVersion", "ParameterValue": "/cdk-bootstrap/hnb659fds/version"},
    ]
    one = {"StackStatus": "UPDATE_COMPLETE", "CreationTime": LONG_AGO, "Parameters": parameters}
    return {"Stacks": [one]}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    return Aws(monkeypatch)


def call(**event: Any) -> dict[str, Any]:
    return handler(event, type("Context", (), {"invoked_function_arn": ARN}))


def test_an_update_changes_one_parameter_and_nothing_else(aws: Aws) -> None:
    assert call(action="sleep", by="person")["result"] == "changed"
    request = aws.request("UpdateStack")
    token = request.pop("ClientRequestToken")
    assert token.startswith("power-sleep-person-")
    assert request == {
        "StackName": "cohere-dev-endpoint",
        "UsePreviousTemplate": True,
        "Parameters": [
            {"ParameterKey": "Awake", "ParameterValue": "false"},
            {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True},
        ],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "RoleARN": "arn:aws:iam::111122223333:role/service",
    }


def test_a_lease_is_one_schedule_that_fires_once_and_is_planned_before_the_wake(aws: Aws) -> None:
    aws.answers |= {"DescribeStacks": stack("false"), "DescribeEndpoint": GONE}
    call(action="wake", by="person", minutes=60)
    names = aws.names()
    assert names.index("CreateSchedule") < names.index("UpdateStack")
    first = next(request for name, request in aws.requests if name == "CreateSchedule")
    target = first.pop("Target")
    event = json.loads(target.pop("Input"))
    assert target == {
        "Arn": ARN,
        "RoleArn": "arn:aws:iam::111122223333:role/scheduler",
        "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600},
    }
    assert (event["action"], event["by"], event["lease"]["owner"]) == ("sleep", "lease", "person")
    at = datetime.fromisoformat(first.pop("ScheduleExpression")[3:-1]).replace(tzinfo=UTC)
    assert abs(at.timestamp() - event["lease"]["until"]) <= 1
    assert first == {
        "GroupName": "cohere-dev",
        "Name": "cohere-dev-lease",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
    }


@pytest.mark.parametrize(("fires", "names"), [(10**10, ["UpdateSchedule"]), (1, ["DeleteSchedule", "CreateSchedule"])])
def test_a_lease_that_fired_is_deleted_and_not_updated(aws: Aws, fires: float, names: list[str]) -> None:
    lease = {"owner": "sleep", "until": fires, "granted": 1.0, "attempt": 1, "fires": fires}
    aws.answers["GetSchedule"] = {"Target": {"Input": json.dumps({"lease": lease})}}
    call(action="wake", by="person")
    assert [name for name in aws.names() if name.endswith("Schedule") and name != "GetSchedule"] == names


def test_a_lease_that_fires_at_the_very_moment_is_made_anew(aws: Aws) -> None:
    lease = {"owner": "sleep", "until": 10.0**10, "granted": 1.0, "attempt": 1, "fires": 10.0**10}
    aws.answers["GetSchedule"] = {"Target": {"Input": json.dumps({"lease": lease})}}
    aws.answers["UpdateSchedule"] = NO_LEASE
    assert call(action="wake", by="person")["result"] == "already"
    assert "CreateSchedule" in aws.names()


def test_idleness_looks_at_every_variant_and_at_requests_in_progress(aws: Aws) -> None:
    aws.answers["GetMetricData"] = {"MetricDataResults": [{"Id": "m0", "Values": [0.0]}, {"Id": "m1", "Values": [1.0]}]}
    aws.answers["DescribeStackEvents"] = {"StackEvents": []}
    assert call(action="tick", by="tick")["message"] == "it is awake and in use"
    metrics = [one["MetricStat"]["Metric"] for one in aws.request("GetMetricData")["MetricDataQueries"]]
    found = {(one["MetricName"], one["Dimensions"][1]["Value"]) for one in metrics}
    names = ("Invocations", "ConcurrentRequestsPerModel")
    assert found == {(name, variant) for name in names for variant in ("AllTraffic", "Other")}
    assert {one["Dimensions"][0]["Value"] for one in metrics} == {"cohere-dev"}


def test_own_updates_are_counted_back_to_a_moment_and_to_the_functions_own_creation(aws: Aws) -> None:
    def event(minutes_ago: float, token: str | None, **more: Any) -> dict[str, Any]:
        moment = datetime.fromtimestamp(datetime.now(UTC).timestamp() - 60 * minutes_ago, UTC)
        found = {"Timestamp": moment, "ResourceStatus": "UPDATE_IN_PROGRESS", "PhysicalResourceId": "x", **more}
        return {**found, "ClientRequestToken": token} if token else found

    first = event(3, "power-wake-request-1")
    created = event(4, None, PhysicalResourceId="cohere-dev-power", ResourceStatus="CREATE_COMPLETE")
    aws.answers |= {"DescribeStacks": stack("false"), "DescribeEndpoint": GONE}
    aws.answers["DescribeStackEvents"] = {
        "StackEvents": [
            event(1, "cdk-1"),
            event(2, "power-wake-request-2"),
            first,
            first,
            created,
            event(5, "power-wake-request-0"),
        ]
    }
    for most, result in (("2", "capped"), ("3", "changed")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WAKES_PER_DAY", most)
            patch.setenv("REQUEST_MINUTES", "60")
            assert call(action="wake", by="request")["result"] == result


def test_the_answer_and_the_line(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    answer = call(action="status", by="person")
    state = {"awake": True, "endpoint": "InService", "stack": "UPDATE_COMPLETE", "until": None}
    assert answer == {"result": "status", **state, "message": "nothing was changed"}
    line = json.loads(capsys.readouterr().out)
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == NAMESPACE
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Environment"]]
    assert (line["level"], line["Environment"], line["WakeFailures"], line["SleepFailures"]) == ("INFO", "dev", 0, 0)


@pytest.mark.parametrize(
    ("action", "wake", "sleep"), [("wake", 1, 0), ("tick", 1, 0), ("sleep", 0, 1), ("status", 0, 0)]
)
def test_what_aws_refuses_is_an_answer_with_the_permission_and_a_metric(
    aws: Aws, capsys: pytest.CaptureFixture[str], action: str, wake: int, sleep: int
) -> None:
    aws.answers["DescribeStacks"] = refused("AccessDenied", "not authorized to perform: x", "DescribeStacks")
    answer = call(action=action)
    assert (answer["result"], answer["awake"]) == ("failed", False)
    assert "not authorized to perform" in answer["message"]
    line = json.loads(capsys.readouterr().out)
    assert (line["WakeFailures"], line["SleepFailures"]) == (wake, sleep)


def test_only_the_clients_of_an_event_are_made_and_little_is_imported(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    made: list[str] = []
    original: Any = boto3.client

    def client(name: str, **options: Any) -> Any:
        made.append(name)
        return original(name, **options)

    monkeypatch.setattr(boto3, "client", client)
    call(action="status")
    assert sorted(made) == ["cloudformation", "sagemaker", "scheduler"]
    script = "import boto3, sys; before = set(sys.modules); import power.handler; print(set(sys.modules) - before)"
    root = str(ENVIRONMENTS.parent / "lambda")
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert {one for one in eval(done.stdout) if not one.startswith("power")} <= {"zoneinfo"}


def test_settings_are_variables() -> None:
    found = limits({**VARIABLES, "EXCEPTED": "1/2 3/4", "OFFICE_MINUTES": ""})
    assert found.excepted == ((1.0, 2.0), (3.0, 4.0))
    assert (found.office_minutes, found.idle_minutes, found.wakes_per_day) == (0, 60, 0)
