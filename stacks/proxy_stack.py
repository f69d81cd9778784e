"""The stack of the proxy and its front door. It knows the endpoint by its name, so either stack deploys alone."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput, Duration
from constructs import Construct

from sagemaker_llm import (
    ApiKeyClient,
    CustomDomain,
    GpuEndpoint,
    HostedZone,
    LlmProxy,
    ProxyRestApi,
    ServedEndpoint,
    Sleeping,
)
from sagemaker_llm.durations import seconds
from sagemaker_llm.proxy.metrics import DetailedMetrics
from stacks import acknowledgements
from stacks.environment_stack import EnvironmentStack
from stacks.names import FUNCTION_OUTPUT, URL_OUTPUT, power_function, publish
from stacks.retention import retention
from stacks.settings import Settings
from stacks.settings.proxy_section import Domain, Proxy, RestApi


class ProxyStack(EnvironmentStack):
    """The proxy of one environment.

    Args:
        scope: the stage.
        construct_id: the id in the stage, ``proxy``.
        environment: the environment's name.
        settings: the settings in its file.
        tags: the tags of the stack itself, not of its resources.

    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: str, settings: Settings, tags: Mapping[str, str]
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            settings=settings,
            tags=tags,
            description="A small HTTP proxy with Cohere's and OpenAI's APIs in front of a SageMaker endpoint",
        )
        section = settings.proxy
        proxy = self._proxy(environment, section, settings)
        acknowledgements.for_proxy(proxy)
        rest = section.rest_api
        url = self._rest_api(proxy, rest, section) if rest else proxy.add_function_url(section.callers)
        CfnOutput(self, URL_OUTPUT, value=url)
        name = proxy.function.function_name
        CfnOutput(self, FUNCTION_OUTPUT, value=name)
        publish(self, environment, "generate-url", url)
        publish(self, environment, "generate-function", name)

    def _proxy(self, environment: str, section: Proxy, settings: Settings) -> LlmProxy:
        return LlmProxy(
            self,
            "Proxy",
            endpoint=GpuEndpoint.from_endpoint_name(self, "Endpoint", settings.endpoint.name),
            api=settings.api or "generate",
            models=settings.model_names,
            more_endpoints=[
                ServedEndpoint(GpuEndpoint.from_endpoint_name(self, f"Endpoint-{name}", name), more.api, more.models)
                for name, more in section.endpoints.items()
            ],
            generate_timeout=seconds(section.generate_timeout_seconds),
            max_request_bytes=section.max_request_bytes,
            request_limits=section.request_limits,
            memory_mib=section.memory_mib,
            reserved_concurrency=settings.reserved_concurrency,
            log_retention=retention(section.log_retention_days),
            log_level=section.log_level,
            snap_start=section.snap_start,
            streaming=section.streaming,
            stream_timeout=_seconds(section.stream_timeout_seconds),
            sleeping=_sleeping(environment, settings),
            detailed_metrics=_detailed_metrics(environment, settings),
        )

    def _rest_api(self, proxy: LlmProxy, rest: RestApi, section: Proxy) -> str:
        rest_api = ProxyRestApi(
            self,
            "Door",  # part of every logical id: another one would replace the API, and callers would lose its URL
            proxy=proxy,
            access=rest.access,
            clients={name: ApiKeyClient(**client.model_dump()) for name, client in rest.clients.items()},
            callers=section.callers,
            requests_per_second=rest.requests_per_second,
            burst=rest.burst,
            timeout=_seconds(rest.timeout_seconds),
            cors_origins=rest.cors_origins,
            networks=rest.networks,
            vpc_endpoint_ids=rest.vpc_endpoint_ids,
            domain=_domain(rest.domain),
            firewall_requests=rest.firewall_requests,
            account_log_role=rest.account_log_role,
            tracing=rest.tracing,
            log_retention=retention(section.log_retention_days),
        )
        acknowledgements.for_rest_api(
            rest_api,
            access=rest.access,
            has_log_role=rest.account_log_role,
            has_tracing=rest.tracing,
        )
        return rest_api.url


def _detailed_metrics(environment: str, settings: Settings) -> DetailedMetrics | None:
    """Return the metrics that alarms and the dashboard need; None without alarms."""
    if not settings.alarms:
        return None
    from stacks.watching.custom_metrics import clients  # most environments do without

    return DetailedMetrics(environment, clients(settings))


def _sleeping(environment: str, settings: Settings) -> Sleeping | None:
    sleep = settings.endpoint.sleep
    if sleep is None:
        return None
    return Sleeping(wake_function_name=power_function(environment) if sleep.on_demand else None)


def _seconds(number: int | None) -> Duration | None:
    return None if number is None else seconds(number)


def _domain(section: Domain | None) -> CustomDomain | None:
    if section is None:
        return None
    zone = HostedZone(**section.hosted_zone.model_dump()) if section.hosted_zone else None
    return CustomDomain(section.name, section.certificate_arn, zone)
