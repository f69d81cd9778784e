"""The three roles of a switch: what the function, CloudFormation and EventBridge Scheduler may do.

Sources: the handlers' permissions in CloudFormation's resource schemas;
docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html;
docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagemaker_llm.endpoint.gpu_endpoint import GpuEndpoint

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_


@dataclass(frozen=True)
class Names:
    """The names and ARNs of a switch's own resources: literal ones, so that no policy refers to what it belongs to.

    Attributes:
        stack_name: the stack.
        stack: its ARN, whatever its id.
        function: the function's ARN.
        group: the ARN of the schedules' group.
        lease: the ARN of the lease.
        bootstrap_version: the ARN of the SSM parameter that CDK's templates take as a parameter.

    """

    stack_name: str
    stack: str
    function: str
    group: str
    lease: str
    bootstrap_version: str

    @classmethod
    def of(cls, scope: Construct, name: str) -> Names:
        """Return those of a switch.

        Args:
            scope: the switch.
            name: its name.

        """
        stack = Stack.of(scope)
        qualifier = stack.synthesizer.bootstrap_qualifier or "hnb659fds"

        def arn(service: str, resource: str, rest: str, separator: ArnFormat = ArnFormat.SLASH_RESOURCE_NAME) -> str:
            return stack.format_arn(service=service, resource=resource, resource_name=rest, arn_format=separator)

        return cls(
            stack_name=stack.stack_name,
            stack=arn("cloudformation", "stack", f"{stack.stack_name}/*"),
            function=arn("lambda", "function", f"{name}-power", ArnFormat.COLON_RESOURCE_NAME),
            group=arn("scheduler", "schedule-group", name),
            lease=arn("scheduler", "schedule", f"{name}/{name}-lease"),
            bootstrap_version=arn("ssm", "parameter", f"cdk-bootstrap/{qualifier}/version"),
        )


def allow_switch(
    function: lambda_.Function, *, endpoint: GpuEndpoint, names: Names, service: iam.IRole, scheduler: iam.IRole
) -> None:
    """Allow the function what it does, on its own stack, endpoint and lease only.

    An update with another role, of any template, would make it an administrator: the condition is what prevents it.
    """
    _allow(function, ["cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents"], [names.stack])
    only = {"StringEquals": {"cloudformation:RoleArn": service.role_arn}}
    _allow(function, ["cloudformation:UpdateStack"], [names.stack], only)
    # The template's version of `cdk bootstrap` is an SSM parameter, which every update reads.
    _allow(function, ["ssm:GetParameters"], [names.bootstrap_version])
    for role, to in ((service, "cloudformation"), (scheduler, "scheduler")):
        passed = {"StringEquals": {"iam:PassedToService": f"{to}.amazonaws.com"}}
        _allow(function, ["iam:PassRole"], [role.role_arn], passed)
    verbs = ("Create", "Delete", "Get", "Update")
    _allow(function, [f"scheduler:{verb}Schedule" for verb in verbs], [names.lease])
    # CloudFormation gives a deletion up after three attempts, and reports success: what it left running is deleted.
    _allow(function, ["sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint"], [endpoint.endpoint_arn])
    _allow(function, ["cloudwatch:GetMetricData"], ["*"])  # takes no resource


def scheduler_role(scope: Construct, names: Names) -> iam.Role:
    """Declare the role by which schedules of this one group invoke the function, and nothing else."""
    only = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID, "aws:SourceArn": names.group}}
    role = iam.Role(
        scope,
        "SchedulerRole",
        description="Lets the schedules of one group invoke the switch",
        assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=only),
    )
    _allow(role, ["lambda:InvokeFunction"], [names.function])
    return role


def service_role(scope: Construct, endpoint: GpuEndpoint, names: Names) -> iam.Role:
    """Declare the role by which CloudFormation makes and deletes the one endpoint and its scaling, and nothing else."""
    role = iam.Role(
        scope,
        "ServiceRole",
        description=f"Lets CloudFormation make and delete the endpoint {endpoint.endpoint_name}",
        assumed_by=iam.ServicePrincipal("cloudformation.amazonaws.com"),
    )
    _allow(role, ["ssm:GetParameters"], [names.bootstrap_version])
    verbs = ("CreateEndpoint", "DeleteEndpoint", "DescribeEndpoint", "AddTags", "ListTags")
    _allow(role, [f"sagemaker:{verb}" for verb in verbs], [endpoint.endpoint_arn])
    _allow(role, ["sagemaker:CreateEndpoint", "sagemaker:DescribeEndpointConfig"], [endpoint.config.ref])
    if any(variant.autoscaling for variant in endpoint.variants):
        _allow_scaling(role, endpoint)
    return role


def _allow_scaling(role: iam.Role, endpoint: GpuEndpoint) -> None:
    """Allow the endpoint's own scaling. Application Auto Scaling checks its caller's permissions of other services."""
    stack = Stack.of(endpoint)
    # The id of a target is not known before; the condition leaves SageMaker's, and the endpoint's actions its own.
    targets = stack.format_arn(service="application-autoscaling", resource="scalable-target", resource_name="*")
    only = {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}}
    verbs = ("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy")
    scaling = "application-autoscaling"
    _allow(role, [f"{scaling}:{verb}" for verb in verbs], [targets], only)
    _allow(role, [f"{scaling}:TagResource", f"{scaling}:ListTagsForResource"], [targets])
    described = ("ScalableTargets", "ScalingPolicies", "ScheduledActions")
    _allow(role, [f"{scaling}:Describe{one}" for one in described], ["*"])
    _allow(role, ["sagemaker:UpdateEndpointWeightsAndCapacities"], [endpoint.endpoint_arn])
    alarms = stack.format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name=f"TargetTracking-endpoint/{endpoint.endpoint_name}/*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    _allow(role, [f"cloudwatch:{verb}" for verb in ("PutMetricAlarm", "DescribeAlarms", "DeleteAlarms")], [alarms])


def _allow(
    grantee: iam.IGrantable, actions: Sequence[str], resources: Sequence[str], conditions: dict[str, Any] | None = None
) -> None:
    iam.Grant.add_to_principal(
        grantee=grantee,
        actions=list(actions),
        resource_arns=list(resources),
        conditions=conditions,
    )
