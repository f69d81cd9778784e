"""A Lambda function with a role and a log group of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagemaker_llm.durations import seconds


def python_function(
    scope: Construct,
    *,
    description: str,
    role_description: str,
    code: lambda_.Code,
    handler: str,
    timeout_seconds: int,
    memory_mib: int,
    log_retention: logs.RetentionDays,
    environment: Mapping[str, str] | None = None,
    reserved_concurrency: int | None = None,
    snap_start: bool = False,
    layers: Sequence[lambda_.ILayerVersion] = (),
    name: str | None = None,
) -> lambda_.Function:
    """Declare a function that may write to its own log group and nothing else yet.

    Not with the CDK's role, which carries AWSLambdaBasicExecutionRole and may write to every log group.

    Args:
        scope: the parent, which gets ``LogGroup``, ``Role`` and ``Function``.
        description: the function's description.
        role_description: the role's description.
        code: the source.
        handler: the entry point in the source.
        timeout_seconds: the function's time-out, in seconds.
        memory_mib: the memory in MiB; CPU grows with it.
        log_retention: how long log lines are kept.
        environment: the environment variables; default none.
        reserved_concurrency: the concurrency reserved for it, which is also its limit; default the account's pool.
        snap_start: restore execution environments of its versions from a snapshot; default false.
        layers: the layers; default none.
        name: the function's name; default CloudFormation gives one.

    """
    log_group = logs.LogGroup(scope, "LogGroup", retention=log_retention, removal_policy=RemovalPolicy.DESTROY)
    role = iam.Role(scope, "Role", description=role_description, assumed_by=_lambda())
    log_group.grant_write(role)
    function = lambda_.Function(
        scope,
        "Function",
        function_name=name,
        description=description,
        **_platform(),
        code=code,
        handler=handler,
        role=role,
        log_group=log_group,
        memory_size=memory_mib,
        timeout=seconds(timeout_seconds),
        environment=environment,
        reserved_concurrent_executions=reserved_concurrency,
        layers=list(layers) or None,
    )
    if snap_start:
        # Not by the function's own option, which warns that versions have to be published; they are.
        child = cast("lambda_.CfnFunction", function.node.default_child)
        child.snap_start = lambda_.CfnFunction.SnapStartProperty(apply_on="PublishedVersions")
    return function


@cache
def _lambda() -> iam.IPrincipal:
    return iam.ServicePrincipal("lambda.amazonaws.com")


@cache
def _platform() -> dict[str, Any]:
    """Return what every function runs on, fetched once from the CDK's Node process."""
    return {"runtime": lambda_.Runtime.PYTHON_3_14, "architecture": lambda_.Architecture.ARM_64}


def write_the_account_as_a_reference(*functions: lambda_.Function) -> None:
    """Let the code's bucket have the same text whether the stack knows its account or not.

    The CDK publishes a version when a function's template has another text. Lambda refuses one of the same function
    ("A version for this Lambda function exists"): a stack that is told its account could not be deployed.

    Args:
        functions: functions of one stack with the same code, which is read once: that takes eight calls to the CDK's
            Node process.

    """
    stack = functions[0].stack
    resources = [cast("lambda_.CfnFunction", function.node.default_child) for function in functions]
    code = cast("lambda_.CfnFunction.CodeProperty", resources[0].code)
    bucket, account = stack.resolve(code.s3_bucket), stack.account
    if isinstance(bucket, str) and account in bucket:
        text = bucket.replace(account, "${AWS::AccountId}")
        for resource in resources:
            resource.add_property_override("Code.S3Bucket", {"Fn::Sub": text})
