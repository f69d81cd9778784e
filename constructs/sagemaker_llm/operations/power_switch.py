"""The switch of an endpoint: the one function that puts it to sleep and wakes it."""

from __future__ import annotations

from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from sagemaker_llm.durations import seconds
from sagemaker_llm.endpoint.gpu_endpoint import GpuEndpoint
from sagemaker_llm.errors import OptionError
from sagemaker_llm.limits import check_pattern
from sagemaker_llm.operations.power_roles import Names, allow_switch, scheduler_role, service_role
from sagemaker_llm.operations.power_schedules import declare_schedules
from sagemaker_llm.operations.sleep_plan import SleepPlan
from sagemaker_llm.proxy import source
from sagemaker_llm.proxy.function import python_function

TIMEOUT_SECONDS: Final = 60
"""How long one decision may take, in seconds: about ten calls of AWS, each with three attempts."""


class PowerSwitch(Construct):
    """Puts an endpoint to sleep and wakes it, by the parameter ``Awake`` of its stack, and nothing else.

    Office hours, leases, idleness and requests all invoke the one function, one after the other. It updates this one
    stack with the stack's own template, through a role that may make and delete this one endpoint and its scaling.
    Put it in the endpoint's stack: whatever deletes that also deletes the schedules, leases among them.

    Args:
        scope: the parent, in the endpoint's stack.
        construct_id: the id in the parent.
        name: the first part of the names of the function, the schedules and their group, e.g. ``cohere-dev``.
        endpoint: the endpoint; it has the condition of an ``AwakeParameter``.
        plan: when it sleeps; default: when a person says so, or their lease ends.
        environment: the value of the metrics' dimension ``Environment``; default the name.
        code: the source; default the one that comes with this library.
        log_retention: how long the function's log lines are kept; default one month.

    Attributes:
        endpoint_name: the endpoint's name.
        function: the function, ``<name>-power``.
        service_role: the role that CloudFormation takes when the function updates the stack.
        scheduler_role: the role that EventBridge Scheduler takes to invoke the function.
        schedules: the schedules: the check every five minutes, and those of office hours.

    Raises:
        OptionError: the endpoint has no such condition, or a value that AWS would refuse.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        endpoint: GpuEndpoint,
        plan: SleepPlan | None = None,
        environment: str | None = None,
        code: lambda_.Code | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        super().__init__(scope, construct_id)
        check_pattern("name", name, "[a-z][a-z0-9-]{0,56}", "1 to 57 lower-case letters, digits and hyphens")
        _check_endpoint(self, endpoint)
        self.endpoint_name = endpoint.endpoint_name
        plan = plan or SleepPlan()
        group = scheduler.CfnScheduleGroup(self, "Schedules", name=name)
        names = Names.of(self, name)
        self.service_role = service_role(self, endpoint, names)
        self.scheduler_role = scheduler_role(self, names)
        self.function = python_function(
            self,
            name=f"{name}-power",
            description=f"Puts the endpoint {endpoint.endpoint_name} to sleep and wakes it",
            role_description="Lets the switch update one parameter of one stack",
            code=code or source.power_code(),
            handler="power.handler.handler",
            timeout_seconds=TIMEOUT_SECONDS,
            memory_mib=256,
            log_retention=log_retention,
            # One decision after the other: 20 requests that find it asleep wake it once.
            reserved_concurrency=1,
            environment={
                "STACK": names.stack_name,
                "ENDPOINT": endpoint.endpoint_name,
                "VARIANTS": " ".join(variant.name for variant in endpoint.variants),
                "GROUP": name,
                "LEASE": f"{name}-lease",
                "SCHEDULER_ROLE_ARN": self.scheduler_role.role_arn,
                "SERVICE_ROLE_ARN": self.service_role.role_arn,
                "ENVIRONMENT": environment or name,
                **plan.variables,
            },
        )
        # A tick comes every five minutes: an older event says nothing new.
        self.function.configure_async_invoke(retry_attempts=0, max_event_age=seconds(300))
        allow_switch(
            self.function, endpoint=endpoint, names=names, service=self.service_role, scheduler=self.scheduler_role
        )
        self.schedules = declare_schedules(
            self, name=name, plan=plan, function=self.function, role=self.scheduler_role, group=group
        )

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow a principal to invoke the function, and nothing else."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["lambda:InvokeFunction"], resource_arns=[self.function.function_arn]
        )


def _check_endpoint(switch: PowerSwitch, endpoint: GpuEndpoint) -> None:
    if endpoint.awake is None:
        raise OptionError(
            "endpoint",
            endpoint.endpoint_name,
            problem="has no condition: it would always exist",
            allowed="an endpoint with awake",
            remedy="give it AwakeParameter(stack, ...).condition",
        )
    if Stack.of(endpoint) != Stack.of(switch):
        raise OptionError(
            "endpoint",
            endpoint.endpoint_name,
            problem="is in another stack",
            allowed="an endpoint of the switch's own stack",
        )
