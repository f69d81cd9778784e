"""A regional REST API in front of a proxy, with what a Function URL lacks: keys, validation, throttling, a firewall."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagemaker_llm import limits
from sagemaker_llm.errors import OptionError
from sagemaker_llm.limits import check_range
from sagemaker_llm.proxy.access import LOWEST_RATE, Access, ApiKeyClient, add_client, check_access, resource_policy
from sagemaker_llm.proxy.authorizer import BearerAuthorizer
from sagemaker_llm.proxy.custom_domain import CustomDomain, add_domain, check_domain
from sagemaker_llm.proxy.firewall import add_firewall
from sagemaker_llm.proxy.gateway_responses import add_gateway_responses
from sagemaker_llm.proxy.llm_proxy import LlmProxy
from sagemaker_llm.proxy.rest_methods import add_methods

STAGE: Final = "live"

DEFAULT_BURST: Final = 100
"""The requests at once of all callers, where the function has no reserved concurrency."""

# Without the path's query, the body, and the key itself. Source: docs.aws.amazon.com/apigateway/latest/developerguide/
# api-gateway-variables-for-access-logging.html.
_ACCESS_LOG: Final = {
    "request_id": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "source_ip": "$context.identity.sourceIp",
    "caller": "$context.identity.userArn",
    "api_key_id": "$context.identity.apiKeyId",
    "method": "$context.httpMethod",
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "waf": "$context.wafResponseCode",
    "latency_ms": "$context.responseLatency",
    "integration_latency_ms": "$context.integrationLatency",
    "integration_status": "$context.integration.status",
    "response_bytes": "$context.responseLength",
    "trace_id": "$context.xrayTraceId",
}


class ProxyRestApi(Construct):
    """A REST API in front of a proxy.

    API Gateway validates requests, logs them without bodies, and traces them; execution logs are off, because they
    would hold bodies. Its own responses have the shape of the proxy's errors. The time-out and the CORS origins are
    also the proxy's: this construct sets them there.

    Behind a REST API, Lambda's throttle becomes a 424, not a 429. So the stage throttles first: by default at the
    proxy's reserved concurrency.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        proxy: the proxy.
        access: ``iam`` (default): signed requests of principals with ``execute-api:Invoke``; ``api_keys``: a key for
            each client, in ``x-api-key``; ``bearer``: a key in ``Authorization: Bearer``, as the clients of Cohere and
            OpenAI send it. With ``bearer`` each client gets a usage plan, and its keys are made beside CloudFormation.
        clients: the clients' limits by name; with ``api_keys`` and ``bearer`` at least one.
        callers: with ``iam``, principals (ARNs or account ids) that need no policy of their own if they are of this
            account; those of another account need one as well. Default none: the caller's own policy decides.
        requests_per_second: of all clients together, in the long run; default the proxy's reserved concurrency, else
            50. A rate above it fits requests that take less than a second.
        burst: the requests at once, at most the proxy's reserved concurrency; default that concurrency, else 100.
        timeout: API Gateway's time-out; default 29 s, and more needs a larger quota. In front of a proxy that streams:
            at most 15 minutes, without a quota; default the function's own time-out.
        cors_origins: the origins whose pages may call it in a browser; default none, and no CORS at all.
        networks: the allowed IP ranges; default all.
        vpc_endpoint_ids: makes it a private API that only these VPC endpoints reach; default none.
        domain: a domain name of its own; default none.
        firewall_requests: adds a web firewall, which blocks an address with more requests than that in five minutes;
            default none.
        account_log_role: set the role by which API Gateway writes access logs, which belongs to the whole account and
            region; default false: it is set already. Without one, the stage cannot be created.
        tracing: X-Ray traces of the API; default true.
        log_retention: how long the access log is kept; default one month.

    Attributes:
        api: the REST API.
        url: its address, with a slash at its end: of its domain, or with the stage (a token).
        log_group: the access log's group.
        firewall: the web ACL; None without one.
        authorizer: the authorizer of ``bearer``; None without it.

    Raises:
        OptionError: values that API Gateway would refuse, or that do not go together.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        proxy: LlmProxy,
        access: Access = "iam",
        clients: Mapping[str, ApiKeyClient] | None = None,
        callers: Sequence[str] = (),
        requests_per_second: float | None = None,
        burst: int | None = None,
        timeout: Duration | None = None,
        cors_origins: Sequence[str] = (),
        networks: Sequence[str] = (),
        vpc_endpoint_ids: Sequence[str] = (),
        domain: CustomDomain | None = None,
        firewall_requests: int | None = None,
        account_log_role: bool = False,
        tracing: bool = True,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        super().__init__(scope, construct_id)
        timeout = timeout or Duration.seconds(
            proxy.timeout_seconds if proxy.streaming else limits.REST_API_DEFAULT_SECONDS
        )
        allowed = limits.REST_API_STREAM_SECONDS if proxy.streaming else limits.REST_API_SECONDS
        check_range("timeout", timeout.to_seconds(), *allowed, unit="seconds")
        check_access(access, clients or {}, callers)
        check_domain(domain, vpc_endpoint_ids)
        rate, burst = _throttle(requests_per_second, burst, proxy.reserved_concurrency)
        proxy.set_front_door(timeout=timeout, cors_origins=cors_origins)
        self.log_group = logs.LogGroup(self, "AccessLog", retention=log_retention, removal_policy=RemovalPolicy.DESTROY)
        policy = resource_policy(
            access,
            callers=callers,
            networks=networks,
            vpc_endpoint_ids=vpc_endpoint_ids,
            preflight=bool(cors_origins),
        )
        self.authorizer = BearerAuthorizer(self, "Bearer", log_retention=log_retention) if access == "bearer" else None
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=Stack.of(self).stack_name,
            description="Cohere's and OpenAI's APIs in front of a SageMaker endpoint",
            endpoint_configuration=self._endpoint_configuration(vpc_endpoint_ids),
            policy=policy,
            api_key_source_type=apigateway.ApiKeySourceType.AUTHORIZER if self.authorizer else None,
            cloud_watch_role=account_log_role,
            deploy_options=self._stage_options(rate, burst, tracing=tracing),
            default_method_options=_method_options(access, self.authorizer),
        )
        self.url = add_domain(self, self.api, domain) if domain else self.api.url
        schemas = add_methods(self, self.api, proxy, timeout, cors_origins)
        add_gateway_responses(self.api, access, cors_origins)
        for name, client in (clients or {}).items():
            add_client(self.api, name, client, with_key=access == "api_keys")
        # By itself a deployment does not notice another policy, and the stage would keep the old one.
        cast("apigateway.Deployment", self.api.latest_deployment).add_to_logical_id(
            {"policy": policy.to_json() if policy else None, **schemas}
        )
        self.firewall = (
            add_firewall(self, self.api.deployment_stage, firewall_requests) if firewall_requests is not None else None
        )

    def _stage_options(self, rate: float, burst: int, *, tracing: bool) -> apigateway.StageOptions:
        return apigateway.StageOptions(
            stage_name=STAGE,
            throttling_rate_limit=rate,
            throttling_burst_limit=burst,
            tracing_enabled=tracing,
            logging_level=apigateway.MethodLoggingLevel.OFF,
            data_trace_enabled=False,
            access_log_destination=apigateway.LogGroupLogDestination(self.log_group),
            access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_ACCESS_LOG)),
        )

    def _endpoint_configuration(self, vpc_endpoint_ids: Sequence[str]) -> apigateway.EndpointConfiguration:
        if not vpc_endpoint_ids:
            return apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL])
        found = [
            ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
                self, f"VpcEndpoint{number}", vpc_endpoint_id=one, port=443
            )
            for number, one in enumerate(vpc_endpoint_ids, start=1)
        ]
        return apigateway.EndpointConfiguration(types=[apigateway.EndpointType.PRIVATE], vpc_endpoints=found)

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow ``execute-api:Invoke`` on everything of the stage, in the grantee's own policy."""
        arn = self.api.arn_for_execute_api("*", "/*", STAGE)
        return iam.Grant.add_to_principal(grantee=grantee, actions=["execute-api:Invoke"], resource_arns=[arn])

    def metric_requests(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - the CDK's MetricOptions
        """Return the number of requests; takes the options of ``aws_cloudwatch.Metric``."""
        return self.api.metric_count(**options)

    def metric_client_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the number of responses with a status of 400 to 499."""
        return self.api.metric_client_error(**options)

    def metric_server_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the number of responses with a status of 500 or more."""
        return self.api.metric_server_error(**options)

    def metric_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Return the time from request to response, in milliseconds."""
        return self.api.metric_latency(**options)


def _throttle(rate: float | None, burst: int | None, concurrency: int | None) -> tuple[float, int]:
    """Return rate and burst of the stage, aligned with the function's concurrency."""
    if burst is not None and concurrency is not None and burst > concurrency:
        raise OptionError(
            "burst",
            burst,
            problem="is more than the proxy's reserved concurrency: Lambda would throttle, which callers see as a 424",
            allowed=f"at most {concurrency}",
            remedy="leave it out, or raise reserved_concurrency",
        )
    if rate is not None:
        check_range("requests_per_second", rate, LOWEST_RATE, limits.MAX_REQUESTS_PER_SECOND)
    if burst is not None:
        check_range("burst", burst, *limits.BURST)
    return (
        rate if rate is not None else float(concurrency or 50),
        burst if burst is not None else min(concurrency or DEFAULT_BURST, limits.BURST[1]),
    )


def _method_options(access: Access, bearer: BearerAuthorizer | None) -> apigateway.MethodOptions:
    types = apigateway.AuthorizationType
    authorization = types.CUSTOM if bearer else types.IAM if access == "iam" else types.NONE
    return apigateway.MethodOptions(
        authorization_type=authorization,
        authorizer=bearer.authorizer if bearer else None,
        api_key_required=access != "iam",
    )
