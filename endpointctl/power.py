"""The switch of an environment's endpoint, as its function answers, and what sleeping saved."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from endpointctl.aws import Aws
from endpointctl.aws_failure import as_failure
from endpointctl.failure import Failure
from sagemaker_llm.models.instance_type import InstanceType
from stacks.names import power_function, stack_name
from stacks.settings import Settings

ENDPOINT_TYPE: Final = "AWS::SageMaker::Endpoint"
# One attempt: a repeated extend would extend twice. The function itself takes up to a minute.
_CLIENT: Final = Config(connect_timeout=5, read_timeout=70, retries={"mode": "standard", "total_max_attempts": 1})
_BUSY_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Answer:
    """What the function answers.

    Attributes:
        result: changed, already, busy, refused, capped, failed, repaired or status.
        awake: whether the endpoint is to exist.
        endpoint: SageMaker's status of it; None when there is none.
        stack: CloudFormation's status of its stack.
        until: when the lease ends, in ISO 8601; None without one.
        message: one sentence.

    """

    result: str
    awake: bool
    endpoint: str | None
    stack: str
    until: str | None
    message: str

    @property
    def is_awake(self) -> bool:
        """Return whether the endpoint serves."""
        return self.awake and self.endpoint == "InService" and not self.is_busy

    @property
    def is_busy(self) -> bool:
        """Return whether CloudFormation works on the stack."""
        return self.stack.endswith("_IN_PROGRESS")

    @property
    def state(self) -> str:
        """Return one word: awake, asleep, waking, falling asleep, or failed."""
        if self.is_busy:
            return "waking, or being updated" if self.awake else "falling asleep, or being updated"
        if self.stack.endswith("_FAILED") or self.awake != (self.endpoint is not None) or self.endpoint == "Failed":
            return "failed"
        return "awake" if self.awake else "asleep"


class Power:
    """Invokes the function of one environment.

    Args:
        env: the environment's name.
        environment: its settings.
        aws: the caller's session.

    Raises:
        Failure: the environment has no switch.

    """

    def __init__(self, env: str, environment: Settings, aws: Aws) -> None:
        if environment.endpoint.sleep is None:
            raise Failure(
                f"environments/{env}.yaml: endpoint.sleep is not set: the endpoint always exists; set it, e.g. "
                f"`sleep: {{}}`, and run `make deploy ENV={env}`"
            )
        self._env, self._aws = env, aws
        self._function = power_function(env)

    def act(self, action: str, minutes: int | None = None) -> Answer:
        """Invoke the function and return its answer; wait when it decides something else at this moment.

        Raises:
            Failure: it is not deployed, or the caller may not invoke it, or it failed.

        """
        event = {"action": action, "by": "person", **({} if minutes is None else {"minutes": minutes})}
        client = self._aws.client("lambda", _CLIENT)
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                with as_failure():
                    answer = self._invoke(client, json.dumps(event).encode())
                break
            except _Throttled:
                if time.monotonic() > until:
                    raise Failure(f"{self._function} is busy for {_BUSY_SECONDS:g} s: try again") from None
                time.sleep(0.5)
        body = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise Failure(f"{self._function} failed: {body.get('errorMessage')}: see its log")
        return Answer(**body)

    def _invoke(self, client: Any, payload: bytes) -> Mapping[str, Any]:  # noqa: ANN401 - boto3's
        try:
            found: Mapping[str, Any] = client.invoke(FunctionName=self._function, Payload=payload)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "TooManyRequestsException":
                raise _Throttled from None
            if code == "ResourceNotFoundException":
                said = f"does not exist in {self._aws.region}: run `make deploy ENV={self._env}` first"
                raise Failure(f"the function {self._function} {said}") from None
            if code.startswith("AccessDenied"):
                said = "ask for lambda:InvokeFunction on this one function"
                raise Failure(f"you may not invoke {self._function}: {said}") from None
            raise
        return found

    def history(self) -> History | None:
        """Return when the endpoint slept; None when the caller may not read the stack's events."""
        client = self._aws.client("cloudformation")
        try:
            pages = client.get_paginator("describe_stack_events").paginate(StackName=stack_name(self._env, "endpoint"))
            events = [event for page in pages for event in page["StackEvents"]]
        except (ClientError, BotoCoreError):
            return None
        return History.of(events)


class _Throttled(Exception):
    """The function's one environment is in use."""


@dataclass(frozen=True)
class History:
    """When the endpoint came and went, by the events that CloudFormation keeps for 90 days.

    Attributes:
        created: when the stack began; None when that is longer ago.
        changes: each change: when, and whether the endpoint came.

    """

    created: datetime | None
    changes: tuple[tuple[datetime, bool], ...]

    @classmethod
    def of(cls, events: Iterable[Mapping[str, Any]]) -> History:
        """Read a stack's events. Waking counts as awake: SageMaker bills instances before they serve."""
        comes = {"CREATE_IN_PROGRESS": True, "DELETE_COMPLETE": False}
        changes = [
            (event["Timestamp"], comes[event["ResourceStatus"]])
            for event in events
            if event.get("ResourceType") == ENDPOINT_TYPE and event["ResourceStatus"] in comes
        ]
        began = [
            event["Timestamp"]
            for event in events
            if event.get("ResourceType") == "AWS::CloudFormation::Stack"
            and event["ResourceStatus"] in ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS")
        ]
        return cls(min(began, default=None), tuple(sorted(changes)))

    @property
    def since(self) -> datetime | None:
        """Return when it came or went last; None when that is longer ago."""
        return self.changes[-1][0] if self.changes else None

    def hours_asleep(self, now: datetime, *, awake: bool) -> float:
        """Return the hours asleep since the month began, in UTC.

        Args:
            now: the end.
            awake: whether it is awake now.

        """
        start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        start = max(start, self.created) if self.created else start
        # Before each change it was the other way round.
        states = [*self.changes, (now, not awake)]
        total, begin = 0.0, start
        for moment, comes in states:
            if moment > begin:
                total += (moment - begin).total_seconds() if comes else 0.0
                begin = moment
        return total / 3600


def usd_per_hour(environment: Settings) -> float | None:
    """Return what the fewest instances cost an hour, by dated list prices; None when one is not known."""
    total = 0.0
    for _, model, variant in environment.variants():
        count = variant.autoscaling.min_instances if variant.autoscaling else variant.instance_count
        price = InstanceType.of(variant.types_and_models(model)[0][0]).price_usd_per_hour
        if price is None:
            return None
        total += price * count
    return total
