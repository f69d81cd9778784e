"""The HTTP door in front of an endpoint: a Lambda function with a Function URL."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from marketplace_llm.acknowledgement import ALL, acknowledge
from marketplace_llm.catalog import Api
from marketplace_llm.errors import OptionError
from marketplace_llm.gpu_endpoint import InvocableEndpoint

RESERVE_SECONDS = 5
"""What the function may use beside the model: connecting, parsing and answering."""

MAX_GENERATE_SECONDS = 70
"""SageMaker ends a normal invocation after 60 s and AWS advises clients to wait 70 s for such models.

Source: botocore's model of sagemaker-runtime, ``InvokeEndpoint``.
"""


class GenerateProxy(Construct):
    """A Lambda proxy that answers ``POST /v1/generate`` on a Function URL with IAM authentication.

    The function may write to its own log group and invoke this one endpoint; nothing else.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        endpoint: the endpoint to ask.
        code: the proxy's source, whose handler is ``generate.handler.handler``.
        api: what the endpoint's container answers, ``generate`` (default) or ``chat``; for chat, requests and answers
            are translated, and each generation is a request of its own.
        callers: principals (ARNs or account ids) that the URL lets in; default the account itself, whose users and
            roles then still need both actions in a policy of their own.
        generate_timeout: how long one generation may take, 1 to 70 s; default 65 s, more than SageMaker's own 60 s.
        max_request_bytes: the longest request body, in bytes; default 262144. A 2023 model reads about 8 KB of text.
        memory_mib: the function's memory in MiB, 128 to 10240; default 512. CPU grows with it.
        log_retention: how long the proxy's log lines are kept; default one month. They hold no prompt and no text.

    Attributes:
        function: the function.
        log_group: its log group.
        url: the Function URL, with a slash at its end (a token).

    Raises:
        OptionError: a value that Lambda or SageMaker would refuse.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: InvocableEndpoint,
        code: lambda_.Code,
        api: Api = "generate",
        callers: Sequence[str] = (),
        generate_timeout: Duration | None = None,
        max_request_bytes: int = 262_144,
        memory_mib: int = 512,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        super().__init__(scope, construct_id)
        seconds = _generate_seconds(generate_timeout)
        if api not in ("generate", "chat"):
            raise OptionError("api", api, problem="is nothing a proxy can translate", allowed="generate, chat")
        self.log_group = logs.LogGroup(self, "LogGroup", retention=log_retention, removal_policy=RemovalPolicy.DESTROY)
        # A role of our own: the CDK's would carry AWSLambdaBasicExecutionRole, which may write to every log group.
        role = iam.Role(
            self,
            "Role",
            description="Lets the proxy write its log and invoke its endpoint",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        self.log_group.grant_write(role)
        endpoint.grant_invoke(role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Cohere's /v1/generate in front of the SageMaker endpoint {endpoint.endpoint_name}",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            code=code,
            handler="generate.handler.handler",
            role=role,
            log_group=self.log_group,
            memory_size=memory_mib,
            timeout=Duration.seconds(seconds + RESERVE_SECONDS),
            environment={
                "API": api,
                "ENDPOINT_NAME": endpoint.endpoint_name,
                "GENERATE_TIMEOUT_SECONDS": str(seconds),
                "MAX_REQUEST_BYTES": str(max_request_bytes),
            },
        )
        self._acknowledge(role)
        self.url = self.function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM).url
        for number, caller in enumerate(callers or [Aws.ACCOUNT_ID], start=1):
            self._let_in(caller, f"Caller{number}")

    def _acknowledge(self, role: iam.Role) -> None:
        acknowledge(
            role,
            "IAMNoInlinePolicy",
            reason="the policy belongs to this one role and goes with it; a managed policy could be attached elsewhere",
        )
        acknowledge(
            self.log_group,
            "CloudWatchLogGroupEncrypted",
            reason="CloudWatch encrypts every group with a key of its own, and the lines hold no prompt and no text",
        )
        most = ("NIST.800.53.R5", "HIPAA.Security")
        synchronous = "the function is only invoked synchronously: a failure is the caller's answer; nothing is queued"
        acknowledge(self.function, "LambdaDLQ", reason=synchronous, packs=[*most, "Serverless"])
        acknowledge(
            self.function,
            "LambdaConcurrency",
            reason="the endpoint's instances are the limit: what is above it is throttled there, and answered with 429",
            packs=most,
        )
        acknowledge(
            self.function,
            "LambdaInsideVPC",
            reason="the function calls SageMaker's public endpoint with IAM and nothing else; it holds no data",
            packs=ALL,
        )
        acknowledge(
            self.function,
            "LambdaTracing",
            reason="there is one hop behind it, and its log line has the time of both: a trace would tell no more",
            packs=["Serverless"],
        )

    def _let_in(self, caller: str, construct_id: str) -> None:
        """Give both permissions that a Function URL made since October 2025 needs.

        Source: docs.aws.amazon.com/lambda/latest/dg/urls-auth.html.
        """
        lambda_.CfnPermission(
            self,
            f"{construct_id}Url",
            action="lambda:InvokeFunctionUrl",
            principal=caller,
            function_name=self.function.function_arn,
            function_url_auth_type="AWS_IAM",
        )
        lambda_.CfnPermission(
            self,
            f"{construct_id}Function",
            action="lambda:InvokeFunction",
            principal=caller,
            function_name=self.function.function_arn,
            invoked_via_function_url=True,
        )


def _generate_seconds(timeout: Duration | None) -> int:
    seconds = int(timeout.to_seconds()) if timeout else 65
    if 1 <= seconds <= MAX_GENERATE_SECONDS:
        return seconds
    raise OptionError(
        "generate_timeout",
        seconds,
        problem="seconds is out of range",
        allowed=f"1 to {MAX_GENERATE_SECONDS} seconds",
        remedy="SageMaker itself ends an invocation after 60 seconds",
    )
