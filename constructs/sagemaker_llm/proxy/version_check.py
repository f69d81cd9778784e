"""What stands between a new version of a function and its callers."""

from __future__ import annotations

from typing import cast

from aws_cdk import CfnElement, CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagemaker_llm.proxy.function import Reasons, python_function
from stacks.acknowledgements import acknowledge

SECONDS = 60
"""How long the check of a version may take: a cold start of it, and one answer."""

_REASONS = Reasons(
    dead_letters="CloudFormation waits for its answer: what fails here, or never answers, fails the deployment",
    concurrency="it runs once in a deployment, and nobody else may invoke it",
    network="the function calls Lambda's public endpoint with IAM and nothing else; it holds no data",
    tracing="it runs once in a deployment, and CloudFormation's event has its reason",
)


class VersionCheck(Construct):
    """Fails a deployment when a new version of a function cannot start: let the alias depend on this.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        version: what is asked for ``GET /healthz`` whenever it is another one.
        code: the source, whose handler is ``version_check.handler.handler``.
        log_retention: how long the check's log lines are kept.

    Attributes:
        function: the function that asks. It may invoke the versions of that function, and nothing else.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        version: lambda_.Version,
        code: lambda_.Code,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = python_function(
            self,
            "",
            description="Fails a deployment whose version of the proxy cannot start",
            purpose="Lets the check write its log and ask versions of the proxy for their health",
            code=code,
            handler="version_check.handler.handler",
            seconds=SECONDS,
            memory_mib=256,
            log_retention=log_retention,
            reasons=_REASONS,
        )
        versions = f"{version.lambda_.function_arn}:*"
        self.function.add_to_role_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[versions]))
        asked = Stack.of(self).get_logical_id(cast("CfnElement", version.lambda_.node.default_child))
        acknowledge(
            cast("iam.Role", self.function.role),
            f"IAM5[Resource::<{asked}.Arn>:*]",
            reason="each deployment has a version whose number nobody knows before; all are of one function",
            packs=["AwsSolutions"],
        )
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::VersionCheck",
            service_token=self.function.function_arn,
            service_timeout=Duration.seconds(2 * SECONDS),
            properties={"Version": version.function_arn},
        )
        # The policy is a resource beside the role: without it the first check would be denied.
        resource.node.add_dependency(self.function)
