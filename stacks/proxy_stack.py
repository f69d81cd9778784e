"""The stack that owns the HTTP door. It knows the endpoint by its name, so either stack deploys alone."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from proxy.routes import schema
from sagemaker_llm import Client, GenerateProxy, GpuEndpoint, RequestCaps, RestDoor
from stacks.names import URL_OUTPUT, publish
from stacks.retention import retention
from stacks.settings import Settings
from stacks.settings.proxy_section import Proxy, RestApi

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
        rest = wanted.rest_api
        caps = RequestCaps(
            default_max_tokens=wanted.default_max_tokens,
            max_tokens=wanted.max_tokens,
            max_generations=wanted.max_generations,
            max_prompt_characters=wanted.max_prompt_characters,
        )
        proxy = GenerateProxy(
            self,
            "Proxy",
            endpoint=GpuEndpoint.from_endpoint_name(self, "Endpoint", settings.endpoint.name),
            code=code,
            api=settings.api or "generate",
            generate_timeout=Duration.seconds(wanted.generate_timeout_seconds),
            max_request_bytes=wanted.max_request_bytes,
            caps=caps,
            memory_mib=wanted.memory_mib,
            reserved_concurrency=settings.reserved_concurrency,
            log_retention=retention(wanted.log_retention_days),
            log_level=wanted.log_level,
            front_door_limit=Duration.seconds(rest.timeout_seconds) if rest else None,
            cors_origins=rest.cors_origins if rest else (),
            snap_start=wanted.snap_start,
        )
        url = self._rest_door(proxy, rest, caps, wanted) if rest else proxy.add_function_url(wanted.callers)
        CfnOutput(self, URL_OUTPUT, value=url)
        CfnOutput(self, "FunctionName", value=proxy.function.function_name)
        publish(self, environment, "generate-url", url)
        publish(self, environment, "generate-function", proxy.function.function_name)

    def _rest_door(self, proxy: GenerateProxy, rest: RestApi, caps: RequestCaps, wanted: Proxy) -> str:
        door = RestDoor(
            self,
            "Door",
            proxy=proxy,
            request_schema=schema.read(caps.limits),
            access=rest.access,
            clients={name: Client(**client.model_dump()) for name, client in rest.clients.items()},
            callers=wanted.callers,
            requests_per_second=rest.requests_per_second,
            burst=rest.burst,
            timeout=Duration.seconds(rest.timeout_seconds),
            cors_origins=rest.cors_origins,
            networks=rest.networks,
            vpc_endpoint_ids=rest.vpc_endpoint_ids,
            firewall_requests=rest.firewall_requests,
            account_log_role=rest.account_log_role,
            tracing=rest.tracing,
            log_retention=retention(wanted.log_retention_days),
        )
        return door.url
