"""What the switch reads and changes: one stack, one endpoint, one schedule. Clients are made when they are used.

Sources: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html,
docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from power.state import Lease, Stack

TOKEN: Final = "power-"  # noqa: S105 - the beginning of a request token
"""What the tokens of the switch's own stack updates begin with; stack events carry them for 90 days."""

PARAMETER: Final = "Awake"
_CONFIG: Final = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


class Cloud:
    """AWS, as the switch needs it.

    Args:
        environment: the function's environment variables.
        function_arn: the function's own ARN, which schedules invoke.

    """

    def __init__(self, environment: dict[str, str], function_arn: str) -> None:
        self._of = environment
        self._arn = function_arn
        self._lease = {"GroupName": environment["GROUP"], "Name": environment["LEASE"]}

    @cached_property
    def _cloudformation(self) -> Any:  # noqa: ANN401 - a client without types
        return boto3.client("cloudformation", config=_CONFIG)

    @cached_property
    def _scheduler(self) -> Any:  # noqa: ANN401
        return boto3.client("scheduler", config=_CONFIG)

    @cached_property
    def _sagemaker(self) -> Any:  # noqa: ANN401
        return boto3.client("sagemaker", config=_CONFIG)

    def stack(self) -> Stack:
        """Return the stack's state."""
        found = self._cloudformation.describe_stacks(StackName=self._of["STACK"])["Stacks"][0]
        values = {one["ParameterKey"]: one.get("ParameterValue") for one in found.get("Parameters", [])}
        changed = found.get("LastUpdatedTime", found["CreationTime"]).timestamp()
        return Stack(found["StackStatus"], values.get(PARAMETER) == "true", changed, tuple(values))

    def update(self, stack: Stack, *, awake: bool, token: str) -> None:
        """Set the parameter, and nothing else: with the stack's own template, all else as it is, and a narrow role."""
        kept = [{"ParameterKey": key, "UsePreviousValue": True} for key in stack.parameters if key != PARAMETER]
        self._cloudformation.update_stack(
            StackName=self._of["STACK"],
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": PARAMETER, "ParameterValue": str(awake).lower()}, *kept],
            Capabilities=["CAPABILITY_NAMED_IAM"],
            RoleARN=self._of["SERVICE_ROLE_ARN"],
            ClientRequestToken=f"{TOKEN}{token}",
        )

    def tokens(self, since: float = 0) -> Iterator[str]:
        """Yield the tokens of the switch's own updates, the newest first, back to a moment or to its own creation.

        Args:
            since: the moment, in seconds since 1970; default all events that CloudFormation keeps.

        """
        seen = set()
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=self._of["STACK"])
        for event in (event for page in pages for event in page["StackEvents"]):
            own = event.get("PhysicalResourceId") == self._arn.rpartition(":")[2]
            if event["Timestamp"].timestamp() < since or (own and event["ResourceStatus"] == "CREATE_COMPLETE"):
                return
            token = event.get("ClientRequestToken") or ""
            if token.startswith(TOKEN) and token not in seen:
                seen.add(token)
                yield token.removeprefix(TOKEN)

    def reason(self) -> str:
        """Return why the last update of the endpoint failed; empty when the newest events do not say it."""
        events = self._cloudformation.describe_stack_events(StackName=self._of["STACK"])["StackEvents"]
        failed = (one for one in events if one["ResourceStatus"].endswith("_FAILED"))
        return next((str(one.get("ResourceStatusReason", ""))[:500] for one in failed), "")

    def endpoint(self) -> str | None:
        """Return the endpoint's status; None when there is none."""
        return (self._endpoint() or {}).get("EndpointStatus")

    def in_service_since(self) -> float | None:
        """Return when the endpoint changed last, in seconds since 1970; None unless it is in service.

        The stack's own time is that of the beginning of a wake, which takes 10 to 20 minutes.
        """
        found = self._endpoint() or {}
        return found["LastModifiedTime"].timestamp() if found.get("EndpointStatus") == "InService" else None

    def _endpoint(self) -> Any:  # noqa: ANN401 - boto3's, or None
        try:
            return self._sagemaker.describe_endpoint(EndpointName=self._of["ENDPOINT"])
        except ClientError as error:
            # SageMaker has no code of its own for it.
            if "could not find" in error.response["Error"]["Message"].lower():
                return None
            raise

    def delete_endpoint(self) -> None:
        """Delete an endpoint that the stack has lost."""
        self._sagemaker.delete_endpoint(EndpointName=self._of["ENDPOINT"])

    def lease(self) -> Lease | None:
        """Return the planned sleep; None when there is none."""
        try:
            found = self._scheduler.get_schedule(**self._lease)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        return Lease.read(found["Target"]["Input"])

    def put_lease(self, lease: Lease, now: float) -> None:
        """Plan a sleep, in place of the one that is planned.

        One that has fired is deleted first: EventBridge Scheduler deletes it by itself, at a moment that is not known.

        Args:
            lease: the new one.
            now: the moment.

        """
        fires = max(lease.fires or lease.until, now + 60)
        lease = replace(lease, fires=fires)
        event = {"action": "sleep", "by": "lease", "lease": asdict(lease)}
        target = {
            "Arn": self._arn,
            "RoleArn": self._of["SCHEDULER_ROLE_ARN"],
            "Input": json.dumps(event),
            "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600},
        }
        request = {
            **self._lease,
            "ScheduleExpression": f"at({datetime.fromtimestamp(fires, UTC):%Y-%m-%dT%H:%M:%S})",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": target,
        }
        old = self.lease()
        if old and old.fires <= now + 60:
            self.drop_lease()
            old = None
        try:
            (self._scheduler.update_schedule if old else self._scheduler.create_schedule)(**request)
        except ClientError as error:  # it fired, and was deleted, at this very moment
            if not old or error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            self._scheduler.create_schedule(**request)

    def drop_lease(self) -> None:
        """Forget the planned sleep."""
        try:
            self._scheduler.delete_schedule(**self._lease)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise

    def has_requests(self, since: float, now: float) -> bool:
        """Return whether the endpoint had a request in a period, answered or in progress."""
        metrics = (("Invocations", "Sum"), ("ConcurrentRequestsPerModel", "Maximum"))
        queries = [
            {"Id": f"m{number}_{name.lower()}", "MetricStat": self._statistic(variant, name, statistic)}
            for number, variant in enumerate(self._of["VARIANTS"].split())
            for name, statistic in metrics
        ]
        period = {"StartTime": datetime.fromtimestamp(since, UTC), "EndTime": datetime.fromtimestamp(now, UTC)}
        pages = boto3.client("cloudwatch", config=_CONFIG).get_paginator("get_metric_data")
        found = pages.paginate(MetricDataQueries=queries, **period)
        return any(value > 0 for page in found for one in page["MetricDataResults"] for value in one["Values"])

    def _statistic(self, variant: str, metric: str, statistic: str) -> dict[str, Any]:
        pairs = (("EndpointName", self._of["ENDPOINT"]), ("VariantName", variant))
        dimensions = [{"Name": name, "Value": value} for name, value in pairs]
        of = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}
        return {"Metric": of, "Period": 60, "Stat": statistic}
