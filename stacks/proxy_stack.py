"""The stack that owns the HTTP door. It knows the endpoint by its name, so either stack deploys alone."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from marketplace_llm import GenerateProxy, GpuEndpoint, RequestCaps
from stacks.names import URL_OUTPUT, publish
from stacks.retention import retention
from stacks.settings import Settings

SOURCE = Path(__file__).parent.parent / "lambda"


class ProxyStack(Stack):
    """The generate proxy.

    Args:
        scope: the stage.
        construct_id: the id in the stage.
        stack_name: the name in CloudFormation.
        environment: the environment's name.
        settings: what its file says.

    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stack_name: str, environment: str, settings: Settings
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=stack_name,
            termination_protection=settings.termination_protection,
            description="A small HTTP proxy with Cohere's generate API in front of a SageMaker endpoint",
        )
        wanted = settings.proxy
        # Bytecode of whoever imported the source before would change the asset's hash.
        code = lambda_.Code.from_asset(str(SOURCE), exclude=["**/__pycache__", "**/*.pyc", "**/*.md"])
        proxy = GenerateProxy(
            self,
            "Proxy",
            endpoint=GpuEndpoint.from_endpoint_name(self, "Endpoint", settings.endpoint.name),
            code=code,
            api=settings.api or "generate",
            callers=wanted.callers,
            generate_timeout=Duration.seconds(wanted.generate_timeout_seconds),
            max_request_bytes=wanted.max_request_bytes,
            caps=RequestCaps(
                default_max_tokens=wanted.default_max_tokens,
                max_tokens=wanted.max_tokens,
                max_generations=wanted.max_generations,
                max_prompt_characters=wanted.max_prompt_characters,
            ),
            memory_mib=wanted.memory_mib,
            reserved_concurrency=wanted.reserved_concurrency,
            log_retention=retention(wanted.log_retention_days),
        )
        CfnOutput(self, URL_OUTPUT, value=proxy.url)
        CfnOutput(self, "FunctionName", value=proxy.function.function_name)
        publish(self, environment, "generate-url", proxy.url)
        publish(self, environment, "generate-function", proxy.function.function_name)
