"""A Lambda function with a role and a log group of its own, and what the policy packs find in every one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.acknowledgements import ALL, acknowledge


@dataclass(frozen=True)
class Reasons:
    """Why a function is right without what the packs ask for; each is a sentence.

    Attributes:
        dead_letters: without a dead-letter queue.
        concurrency: without a limit of its own.
        network: outside a VPC.
        tracing: without traces.

    """

    dead_letters: str
    concurrency: str
    network: str
    tracing: str


def python_function(
    scope: Construct,
    prefix: str,
    *,
    description: str,
    purpose: str,
    code: lambda_.Code,
    handler: str,
    seconds: int,
    memory_mib: int,
    log_retention: logs.RetentionDays,
    reasons: Reasons,
    environment: Mapping[str, str] | None = None,
    reserved_concurrency: int | None = None,
    snap_start: bool = False,
) -> lambda_.Function:
    """Declare a function that may write to its own log group and do nothing else yet.

    Not with the CDK's role, which carries AWSLambdaBasicExecutionRole and may write to every log group.

    Args:
        scope: the parent.
        prefix: stands before ``LogGroup``, ``Role`` and ``Function`` in the parent.
        description: the function's.
        purpose: the role's description.
        code: its source.
        handler: its entry in the source.
        seconds: its time-out, in seconds.
        memory_mib: its memory in MiB; CPU grows with it.
        log_retention: how long its lines are kept.
        reasons: for the packs.
        environment: its variables; default none.
        reserved_concurrency: how many run at once, at most and in any case; default the account's common pool.
        snap_start: restore execution environments of its versions from a snapshot; default false.

    """
    log_group = logs.LogGroup(scope, f"{prefix}LogGroup", retention=log_retention, removal_policy=RemovalPolicy.DESTROY)
    lambdas = iam.ServicePrincipal("lambda.amazonaws.com")
    role = iam.Role(scope, f"{prefix}Role", description=purpose, assumed_by=lambdas)
    log_group.grant_write(role)
    function = lambda_.Function(
        scope,
        f"{prefix}Function",
        description=description,
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        code=code,
        handler=handler,
        role=role,
        log_group=log_group,
        memory_size=memory_mib,
        timeout=Duration.seconds(seconds),
        environment=environment,
        reserved_concurrent_executions=reserved_concurrency,
    )
    belongs = "the policy belongs to this one role and goes with it; a managed policy could be attached elsewhere"
    acknowledge(role, "IAMNoInlinePolicy", reason=belongs)
    encrypted = "CloudWatch encrypts every group with a key of its own, and the lines hold no prompt and no text"
    acknowledge(log_group, "CloudWatchLogGroupEncrypted", reason=encrypted)
    most = ("NIST.800.53.R5", "HIPAA.Security")
    acknowledge(function, "LambdaDLQ", reason=reasons.dead_letters, packs=[*most, "Serverless"])
    if reserved_concurrency is None:
        acknowledge(function, "LambdaConcurrency", reason=reasons.concurrency, packs=most)
    acknowledge(function, "LambdaInsideVPC", reason=reasons.network, packs=ALL)
    acknowledge(function, "LambdaTracing", reason=reasons.tracing, packs=["Serverless"])
    if snap_start:
        # Not by the function's own option, which warns that versions have to be published; they are.
        child = cast("lambda_.CfnFunction", function.node.default_child)
        child.snap_start = lambda_.CfnFunction.SnapStartProperty(apply_on="PublishedVersions")
    return function
