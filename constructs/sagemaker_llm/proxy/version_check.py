"""A check between a new version of a function and its callers."""

from __future__ import annotations

from typing import Final

from aws_cdk import CustomResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagemaker_llm.durations import seconds
from sagemaker_llm.proxy.function import python_function

TIMEOUT_SECONDS: Final = 240
"""How long the check of a version may take, in seconds: a cold start, maybe after Lambda has made its snapshot."""


class VersionCheck(Construct):
    """Fails a deployment when a new version of a function cannot start. Let the alias depend on it.

    A version that is throttled passes with a warning, and a rollback to an earlier version is not checked again.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        version: the version, which is invoked with a health request whenever it is another one.
        code: the source, whose handler is ``version_check.handler.handler``.
        log_retention: how long the check's log lines are kept.

    Attributes:
        function: the function that checks. It may invoke the versions of the checked function, and nothing else.

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
            description="Fails a deployment whose version of the proxy cannot start",
            role_description="Lets the check write its log and invoke versions of the proxy",
            code=code,
            handler="version_check.handler.handler",
            timeout_seconds=TIMEOUT_SECONDS,
            memory_mib=256,
            log_retention=log_retention,
        )
        # Each deployment has a version whose number nobody knows before.
        versions = f"{version.lambda_.function_arn}:*"
        iam.Grant.add_to_principal(grantee=self.function, actions=["lambda:InvokeFunction"], resource_arns=[versions])
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::VersionCheck",
            service_token=self.function.function_arn,
            service_timeout=seconds(2 * TIMEOUT_SECONDS),
            properties={"Version": version.function_arn},
        )
        # The policy is a resource beside the role: without it the first check would be denied.
        resource.node.add_dependency(self.function)
