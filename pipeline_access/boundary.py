"""The permissions boundary: the most that a role of an environment may do, whatever its own policy says."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline_access.execution_policy import OURS
from pipeline_access.statement import PARTITION, Statement, arn, iam_arn


def boundary_statements() -> Iterator[Statement]:
    """Yield the statements of the boundary; a test compares them with the policies of the templates' roles."""
    yield Statement(
        "Endpoints are named in the environment files; the proxy's own policy names one.",
        ("sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"),
        (arn("sagemaker", "endpoint/*"),),
    )
    yield Statement(
        "CloudFormation names the functions.", ("lambda:InvokeFunction",), (arn("lambda", f"function:{OURS}"),)
    )
    yield Statement(
        "The role of API Gateway writes logs of any API of the account.",
        (
            *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams"),
            *("logs:FilterLogEvents", "logs:GetLogEvents", "logs:PutLogEvents"),
        ),
        (arn("logs", "*"),),
    )
    yield Statement(
        "The function that puts an endpoint to sleep, and the role by which CloudFormation does it.",
        (
            *("sagemaker:AddTags", "sagemaker:CreateEndpoint", "sagemaker:DeleteEndpoint", "sagemaker:ListTags"),
            *("sagemaker:DescribeEndpoint*", "sagemaker:UpdateEndpointWeightsAndCapacities"),
        ),
        (arn("sagemaker", "endpoint/*"), arn("sagemaker", "endpoint-config/*")),
    )
    yield Statement(
        "The same: its stack, its schedule, its roles, its alarms, and the variants' scaling.",
        (
            *("cloudformation:DescribeStack*", "cloudformation:UpdateStack", "iam:PassRole", "ssm:GetParameters"),
            *("scheduler:CreateSchedule", "scheduler:DeleteSchedule"),
            *("scheduler:GetSchedule", "scheduler:UpdateSchedule"),
            *("cloudwatch:DeleteAlarms", "cloudwatch:ListTagsForResource", "cloudwatch:PutMetricAlarm"),
            *("cloudwatch:TagResource", "cloudwatch:UntagResource"),
            "application-autoscaling:*",
        ),
        (
            arn("cloudformation", f"stack/{OURS}"),
            arn("ssm", "parameter/cdk-bootstrap/*"),
            arn("scheduler", f"schedule/{OURS}"),
            iam_arn(f"role/{OURS}"),
            *(arn("cloudwatch", f"alarm:{name}") for name in (OURS, "TargetTracking-*")),
            arn("application-autoscaling", "scalable-target/*"),
        ),
    )
    yield Statement(
        "SageMaker names the objects of captured data.",
        ("s3:PutObject",),
        (f"arn:{PARTITION}:s3:::{OURS}/*",),
    )
    yield Statement(
        "A key has an id that nobody knows before. Its policy decides as well.",
        ("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey"),
        (arn("kms", "key/*"),),
    )
    yield Statement(
        "Metrics, alarms, and the network interfaces of a model in a VPC take no resource.",
        (
            *("application-autoscaling:Describe*", "cloudwatch:DescribeAlarms"),
            *("cloudwatch:GetMetricData", "cloudwatch:PutMetricData"),
            *("ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"),
            *("ec2:DeleteNetworkInterfacePermission", "ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces"),
            *("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
        ),
        ("*",),
    )
