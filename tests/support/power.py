"""An environment with a switch on the local cloud: its function, its clock, and what its roles may do."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import boto3

from local_aws.conditions import Conditions
from tests.support.cloud import Stacks
from tests.support.templates import ROOT, Content, Templates, templates_of

BERLIN = ZoneInfo("Europe/Berlin")


def workdays(after: date) -> Iterator[date]:
    """Yield the days from Monday to Friday after a date."""
    while True:
        after += timedelta(days=1)
        if after.weekday() < 5:
            yield after


def published(templates: Templates, region: str = "us-east-1") -> Templates:
    """Put the source of the switch where the template looks for it, as the CDK's CLI does; return the templates."""
    for resource in templates["endpoint"]["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            code = resource["Properties"]["Code"]
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w") as written:
                for path in sorted((ROOT / "lambda" / "power").glob("*.py")):
                    written.writestr(f"power/{path.name}", path.read_text("utf-8"))
            boto3.client("s3", region_name=region).put_object(
                Bucket=code["S3Bucket"], Key=code["S3Key"], Body=archive.getvalue()
            )
    return templates


class Switched:
    """An endpoint with a switch.

    Args:
        environment: the environment's name.
        account: sets the account's conditions.

    """

    def __init__(self, environment: str, account: Callable[[Conditions], None]) -> None:
        self.stacks = Stacks(environment)
        self.endpoint_name = f"cohere-{environment}"
        self._environment = environment
        self._account = account
        self._lambda = boto3.client("lambda")
        self.conditions = Conditions()

    def templates(self, content: Content) -> Templates:
        return published(templates_of(content, self._environment))

    def deploy(self, content: Content) -> None:
        self.stacks.give(self.templates(content), "endpoint")
        # The local cloud's CloudFormation leaves the property out.
        self._lambda.put_function_concurrency(
            FunctionName=f"cohere-{self._environment}-power", ReservedConcurrentExecutions=1
        )

    def set(self, **conditions: Any) -> None:
        self.conditions = replace(self.conditions, **conditions)
        self._account(self.conditions)

    def move_clock(self, seconds: float) -> None:
        """Move the clock forward."""
        self.set(clock_ahead_seconds=self.conditions.clock_ahead_seconds + seconds)

    @property
    def now(self) -> datetime:
        """Return the local cloud's time, in Berlin."""
        return datetime.fromtimestamp(time.time() + self.conditions.clock_ahead_seconds, BERLIN)

    def move_to(self, day: date, at: str) -> None:
        """Move the clock to a second after a time in Berlin."""
        moment = datetime.fromisoformat(f"{day}T{at}:01").replace(tzinfo=BERLIN)
        self.move_clock((moment - self.now).total_seconds())

    def call(self, action: str, **event: Any) -> dict[str, Any]:
        """Invoke the function, and return its answer; wait while it answers somebody else, e.g. a tick."""
        name, payload = f"cohere-{self._environment}-power", json.dumps({"action": action, **event}).encode()
        until = time.monotonic() + 30
        while True:
            try:
                found = self._lambda.invoke(FunctionName=name, Payload=payload)
                break
            except self._lambda.exceptions.TooManyRequestsException:
                assert time.monotonic() < until
                time.sleep(0.1)
        answer: dict[str, Any] = json.loads(found["Payload"].read())
        assert "FunctionError" not in found, answer
        return answer

    def wait(self, state: Callable[["Switched"], bool], seconds: float = 30) -> None:
        """Wait until something is the case."""
        until = time.monotonic() + seconds
        while not state(self):
            assert time.monotonic() < until, (self.call("status"), self.log()[-8:])
            time.sleep(0.1)

    @property
    def is_awake(self) -> bool:
        return self.endpoint == "InService" and self.settled

    @property
    def is_asleep(self) -> bool:
        return self.endpoint is None and self.settled

    @property
    def settled(self) -> bool:
        return not self.stacks.status("endpoint").endswith("IN_PROGRESS")

    @property
    def endpoint(self) -> str | None:
        """Return the endpoint's status; None when there is none."""
        found = boto3.client("sagemaker").list_endpoints(NameContains=self.endpoint_name)["Endpoints"]
        return next((one["EndpointStatus"] for one in found if one["EndpointName"] == self.endpoint_name), None)

    @property
    def updates(self) -> int:
        """Return how many updates of the stack began."""
        pages = boto3.client("cloudformation").get_paginator("describe_stack_events")
        events = [one for page in pages.paginate(StackName=self.stacks.name("endpoint")) for one in page["StackEvents"]]
        name = self.stacks.name("endpoint")
        return sum(one["ResourceStatus"] == "UPDATE_IN_PROGRESS" and one["LogicalResourceId"] == name for one in events)

    @property
    def lease(self) -> dict[str, Any] | None:
        """Return the planned sleep; None when there is none."""
        client, name = boto3.client("scheduler"), f"cohere-{self._environment}"
        try:
            found = client.get_schedule(GroupName=name, Name=f"{name}-lease")
        except client.exceptions.ResourceNotFoundException:
            return None
        lease: dict[str, Any] = json.loads(found["Target"]["Input"])["lease"]
        return lease

    def events(self) -> list[str]:
        """Return the stack's newest events."""
        found = boto3.client("cloudformation").describe_stack_events(StackName=self.stacks.name("endpoint"))
        return [f"{one['LogicalResourceId']} {one['ResourceStatus']}" for one in found["StackEvents"][:20]]

    def log(self) -> list[dict[str, Any]]:
        """Return the function's lines."""
        logs = boto3.client("logs")
        groups = logs.describe_log_groups()["logGroups"]
        name = next((one["logGroupName"] for one in groups if "Power" in one["logGroupName"]), None)
        events = logs.filter_log_events(logGroupName=name)["events"] if name else []
        lines = [one["message"] for one in events if one["message"].startswith("{")]
        return [json.loads(line) for line in lines]
