"""endpointctl wake, sleep, extend and status, with a function that answers from a list."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from endpointctl import cli, power
from endpointctl.commands import power as commands
from endpointctl.failure import Failure
from endpointctl.power import Answer, History, usd_per_hour
from stacks import settings
from stacks.settings import Settings
from tests.support.templates import EXAMPLES, changed, content_of

SERVES = {"result": "status", "awake": True, "endpoint": "InService", "stack": "UPDATE_COMPLETE", "until": None}
ASLEEP = {**SERVES, "awake": False, "endpoint": None}
WAKING = {**SERVES, "endpoint": "Creating", "stack": "UPDATE_IN_PROGRESS", "until": "2026-11-25T20:00:00Z"}
FAILED = {**ASLEEP, "stack": "UPDATE_ROLLBACK_COMPLETE"}


class Function:
    """Answers invocations, the last answer for ever, and remembers their events."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[Any] = [SERVES]
        self.events: list[dict[str, Any]] = []
        self.stack_events: Any = []
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        monkeypatch.setattr(BaseClient, "_make_api_call", lambda _, name, request: self._call(name, request))
        content = content_of(EXAMPLES / "office-hours.yaml")
        self.environment = Settings.model_validate(content)
        monkeypatch.setattr(settings, "read", lambda _: self.environment)
        self.paused: list[float] = []
        time = type("Time", (), {"sleep": self.paused.append, "monotonic": lambda: sum(self.paused)})
        monkeypatch.setattr(commands, "time", time)
        monkeypatch.setattr(power, "time", time)

    def _call(self, name: str, request: dict[str, Any]) -> Any:
        if name == "GetCallerIdentity":
            return {"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/x"}
        if name == "DescribeStackEvents":
            if isinstance(self.stack_events, Exception):
                raise self.stack_events
            return {"StackEvents": self.stack_events}
        assert (name, request["FunctionName"]) == ("Invoke", "cohere-dev-power")
        self.events.append(json.loads(request["Payload"]))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        failed = {"FunctionError": "Unhandled"} if "errorMessage" in answer else {}
        body = answer if failed else {"message": "a sentence", **answer}
        return {"Payload": io.BytesIO(json.dumps(body).encode()), **failed}


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Function:
    return Function(monkeypatch)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, [*arguments, "--env", "dev"])


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Invoke")


def test_a_wake_says_how_long_in_minutes(function: Function) -> None:
    function.answers = [{**WAKING, "result": "changed"}]
    done = run("wake", "--for", "1h30m")
    assert (done.exit_code, done.output) == (0, "dev: a sentence\n")
    assert function.events == [{"action": "wake", "by": "person", "minutes": 90}]
    run("wake")
    run("extend")
    run("sleep")
    assert function.events[1:] == [
        {"action": "wake", "by": "person"},
        {"action": "extend", "by": "person", "minutes": 60},
        {"action": "sleep", "by": "person"},
    ]


@pytest.mark.parametrize("text", ["", "3", "0h", "1d", "-1h", "h", "1.5h", "3h "])
def test_a_wrong_length_is_one_line(function: Function, text: str) -> None:
    done = run("wake", "--for", text)
    assert isinstance(done.exception, Failure)
    assert done.exception.reason.startswith(f"--for {text}: is no length of time; allowed: ")
    assert function.events == []


@pytest.mark.parametrize(
    ("result", "code"),
    [("changed", 0), ("already", 0), ("repaired", 0), ("refused", 3), ("busy", 4), ("capped", 4), ("failed", 1)],
)
def test_exit_codes(function: Function, result: str, code: int) -> None:
    function.answers = [{**SERVES, "result": result}]
    for arguments in (("wake",), ("sleep",), ("extend",), ("wake", "--json")):
        assert run(*arguments).exit_code == code
    assert json.loads(run("sleep", "--json").output)["state"] == "awake"


def test_waiting_until_it_serves_through_a_failed_attempt(function: Function) -> None:
    tried_again = {**FAILED, "until": WAKING["until"]}
    function.answers = [{**WAKING, "result": "changed"}, WAKING, tried_again, WAKING, SERVES]
    done = run("wake", "--wait")
    assert done.exit_code == 0
    assert done.stdout == "dev: it is awake\n"
    assert done.stderr.count("\n") == 3  # each state once
    assert [event["action"] for event in function.events] == ["wake", *["status"] * 4]


def test_waiting_ends_when_the_switch_gives_up(function: Function) -> None:
    function.answers = [{**WAKING, "result": "changed"}, FAILED]
    done = run("wake", "--wait")
    assert isinstance(done.exception, Failure)
    assert "it did not wake" in done.exception.reason


def test_waiting_ends_in_time(function: Function) -> None:
    function.answers = [{**WAKING, "result": "changed"}]
    done = run("wake", "--wait", "--timeout", "5m")
    assert isinstance(done.exception, Failure)
    assert "after 5 minutes" in done.exception.reason
    assert sum(function.paused) < 330


def test_waiting_for_sleep_and_for_nothing(function: Function) -> None:
    going = {**SERVES, "awake": False, "endpoint": "Deleting", "stack": "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}
    function.answers = [{**going, "result": "changed"}, ASLEEP]
    assert run("sleep", "--wait").stdout == "dev: it is asleep\n"
    function.answers = [{**SERVES, "result": "refused"}]
    assert run("sleep", "--wait").exit_code == 3


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("ResourceNotFoundException", "cohere-dev-power does not exist in us-east-1: run `make deploy ENV=dev` first"),
        ("AccessDeniedException", "you may not invoke cohere-dev-power: ask for lambda:InvokeFunction"),
        ("ExpiredTokenException", "your AWS credentials have expired"),
    ],
)
def test_what_aws_refuses_says_what_to_do(function: Function, error: str, message: str) -> None:
    function.answers = [refused(error)]
    done = run("wake")
    assert isinstance(done.exception, Failure)
    assert message in done.exception.reason


def test_a_busy_function_is_waited_for_but_not_for_ever(function: Function) -> None:
    function.answers = [refused("TooManyRequestsException"), refused("TooManyRequestsException"), SERVES]
    assert run("wake").exit_code == 0
    function.answers = [refused("TooManyRequestsException")]
    done = run("wake")
    assert isinstance(done.exception, Failure)
    assert "is busy" in done.exception.reason


def test_a_function_that_fails_is_one_line(function: Function) -> None:
    function.answers = [{"errorMessage": "boom"}]
    done = run("wake")
    assert isinstance(done.exception, Failure)
    assert done.exception.reason == "cohere-dev-power failed: boom: see its log"


def test_without_the_setting_it_says_which(function: Function) -> None:
    content = changed(content_of(EXAMPLES / "office-hours.yaml"), {"endpoint.sleep": None})
    function.environment = Settings.model_validate(content)
    for command in ("wake", "sleep", "extend", "status"):
        done = run(command)
        assert isinstance(done.exception, Failure)
        assert done.exception.reason.startswith("environments/dev.yaml: endpoint.sleep is not set")
    assert function.events == []


def event(at: datetime, status: str, type_: str = power.ENDPOINT_TYPE) -> dict[str, Any]:
    return {"Timestamp": at, "ResourceStatus": status, "ResourceType": type_}


def test_status_says_since_when_until_when_and_what_it_saved(function: Function) -> None:
    slept = datetime.now(UTC) - timedelta(hours=1)
    function.answers = [{**ASLEEP, "until": None}]
    function.stack_events = [event(slept, "DELETE_COMPLETE")]
    found = json.loads(run("status", "--json").output)
    assert found["state"] == "asleep"
    assert found["since"] == slept.isoformat(timespec="seconds").replace("+00:00", "Z")
    assert found["next_office_hours"]["at"]
    assert found["saved_usd_this_month"] == pytest.approx(found["hours_asleep_this_month"] * 1.408, abs=0.1)
    assert "asleep this month" in run("status").output
    function.stack_events = refused("AccessDenied")
    assert "unknown: you may not read the stack's events; saved: unknown" in run("status").output
    function.answers = [{**FAILED, "stack": "UPDATE_ROLLBACK_FAILED"}]
    assert run("status").exit_code == 1


MAY = datetime(2026, 5, 1, tzinfo=UTC)
STACK = "AWS::CloudFormation::Stack"


@pytest.mark.parametrize(
    ("events", "awake", "hours"),
    [
        ([], True, 0.0),
        ([], False, 48.0),  # since before the month
        ([event(MAY + timedelta(hours=10), "CREATE_IN_PROGRESS")], True, 10.0),
        ([event(MAY - timedelta(hours=10), "DELETE_COMPLETE")], False, 48.0),
        ([event(MAY + timedelta(hours=10), "DELETE_COMPLETE")], False, 38.0),
        (
            [
                event(MAY + timedelta(hours=20), "CREATE_IN_PROGRESS"),
                event(MAY + timedelta(hours=10), "DELETE_COMPLETE"),
                event(MAY + timedelta(hours=4), "CREATE_IN_PROGRESS"),
                event(MAY + timedelta(hours=4), "CREATE_IN_PROGRESS", STACK),
            ],
            True,
            10.0,
        ),
        (
            [
                event(MAY + timedelta(hours=9), "CREATE_COMPLETE"),
                event(MAY - timedelta(days=9), "CREATE_IN_PROGRESS", STACK),
            ],
            True,
            0.0,
        ),
    ],
)
def test_hours_asleep_since_the_month_began(events: list[dict[str, Any]], awake: bool, hours: float) -> None:
    now = MAY + timedelta(hours=48)
    assert History.of(events).hours_asleep(now, awake=awake) == pytest.approx(hours)


def test_a_price_that_is_not_known_is_unknown() -> None:
    content = content_of(EXAMPLES / "office-hours.yaml")
    assert usd_per_hour(Settings.model_validate(content)) == pytest.approx(1.408)
    two = changed(content, {"endpoint.autoscaling.min_instances": 2})
    assert usd_per_hour(Settings.model_validate(two)) == pytest.approx(2.816)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (SERVES, "awake"),
        (ASLEEP, "asleep"),
        (WAKING, "waking, or being updated"),
        ({**ASLEEP, "stack": "UPDATE_IN_PROGRESS"}, "falling asleep, or being updated"),
        ({**SERVES, "endpoint": None}, "failed"),
        ({**ASLEEP, "endpoint": "InService"}, "failed"),
        ({**SERVES, "endpoint": "Failed"}, "failed"),
        ({**SERVES, "stack": "UPDATE_ROLLBACK_FAILED"}, "failed"),
    ],
)
def test_the_state_is_one_word(answer: dict[str, Any], state: str) -> None:
    assert Answer(**answer, message="").state == state
