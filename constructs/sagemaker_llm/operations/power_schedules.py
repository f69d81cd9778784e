"""The schedules of a switch. A lease is one too, but of the function's: CloudFormation cannot make one that ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from sagemaker_llm.operations.sleep_plan import SleepPlan

TICK_MINUTES: Final = 5
"""How often the switch looks: for idleness, for a wake that failed, and for an endpoint that runs without its stack."""

_TIME: Final = "<aws.scheduler.scheduled-time>"  # EventBridge Scheduler puts it here
_OFFICE: Final = "office hours"
# An event that is late says nothing that the next tick does not find. No dead-letter queue: nobody would read it.
_RETRY: Final = scheduler.CfnSchedule.RetryPolicyProperty(maximum_event_age_in_seconds=3600, maximum_retry_attempts=10)
_RETRY_TICK: Final = scheduler.CfnSchedule.RetryPolicyProperty(
    maximum_event_age_in_seconds=60, maximum_retry_attempts=0
)


def declare_schedules(
    scope: Construct,
    *,
    name: str,
    plan: SleepPlan,
    function: lambda_.Function,
    role: iam.Role,
    group: scheduler.CfnScheduleGroup,
) -> Mapping[str, scheduler.CfnSchedule]:
    """Declare the check every five minutes, and the morning and evening of office hours; return them by name.

    Args:
        scope: the switch.
        name: the switch's name.
        plan: when the endpoint sleeps.
        function: the function.
        role: the role by which schedules invoke it.
        group: the schedules' group.

    """

    def schedule(kind: str, expression: str, timezone: str, event: Mapping[str, str]) -> scheduler.CfnSchedule:
        declared = scheduler.CfnSchedule(
            scope,
            kind.capitalize(),
            name=f"{name}-{kind}",
            group_name=group.ref,
            schedule_expression=expression,
            schedule_expression_timezone=timezone,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function_arn,
                role_arn=role.role_arn,
                input=json.dumps(event),
                retry_policy=_RETRY_TICK if kind == "tick" else _RETRY,
            ),
        )
        # A tick before the policies are there would be denied, and count as a failure; so would one after them.
        declared.node.add_dependency(role, function, cast("iam.Role", function.role))
        return declared

    found = {"tick": schedule("tick", f"rate({TICK_MINUTES} minutes)", "UTC", {"action": "tick", "by": "tick"})}
    if hours := plan.office_hours:
        for kind, expression in (("wake", hours.wake_expression), ("sleep", hours.sleep_expression)):
            found[kind] = schedule(kind, expression, hours.timezone, {"action": kind, "by": _OFFICE, "time": _TIME})
    return found
