"""The other front door of the proxy: a regional REST API with what a Function URL lacks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagemaker_llm.limits import check_range
from sagemaker_llm.proxy.access import Access, Client, check_who, resource_policy
from sagemaker_llm.proxy.firewall import add_firewall
from sagemaker_llm.proxy.llm_proxy import GenerateProxy
from sagemaker_llm.proxy.request_model import draft_4
from stacks.acknowledgements import acknowledge

STAGE: Final = "live"

DEFAULT_SECONDS: Final = 29
"""When API Gateway gives up by itself.

More needs a larger quota "Maximum integration timeout in milliseconds", which AWS raises for regional and private APIs.
Source: docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html.
"""

MOST_SECONDS: Final = 75
"""More than the function itself may take."""

_PATH: Final = "v1/generate"
_CORS_HEADERS: Final = (
    "authorization",
    "content-type",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-api-key",
    "x-target-variant",
)
# Without the path's query, the body, and the key itself. Source: docs.aws.amazon.com/apigateway/latest/developerguide/
# api-gateway-variables-for-access-logging.html.
_LOGGED: Final = {
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
# What the door answers by itself, in the shape of the proxy's errors: type, status, code, message. The message of the
# last two is AWS's. Source: docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html.
_OWN_ANSWERS: Final = (
    ("BAD_REQUEST_BODY", "400", "invalid_field", "the body does not fit the API's schema: see docs/openapi.yaml"),
    ("REQUEST_TOO_LARGE", "413", "request_too_large", "the body is too large"),
    ("THROTTLED", "429", "throttled", "too many requests; try again"),
    ("QUOTA_EXCEEDED", "429", "quota_exceeded", "the quota of this API key is used up"),
    ("INTEGRATION_TIMEOUT", "504", "timed_out", "the proxy took too long; ask for fewer tokens"),
    ("DEFAULT_4XX", None, "refused", None),
    ("DEFAULT_5XX", None, "unavailable", None),
)


class RestDoor(Construct):
    """A REST API in front of a proxy.

    Requests are validated at the edge, logged without bodies, and traced; execution logs are off, because they would
    hold bodies. Its own answers have the shape of the proxy's errors.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        proxy: the proxy; give it ``timeout`` as its ``front_door_limit``, and ``cors_origins``.
        request_schema: the JSON Schema of a request to generate, from which the edge's model is made.
        access: ``iam`` (default): signed requests of principals with ``execute-api:Invoke``; ``api_keys``: a key for
            each client.
        clients: the API keys by name; with ``api_keys`` at least one.
        callers: with ``iam``, principals (ARNs or account ids) that need no policy of their own, also of other
            accounts; default none, so that a policy of the caller's own decides.
        requests_per_second: of all clients together, in the long run; default 50.
        burst: how many at once above it; default 100.
        timeout: when it gives up; default 29 s. More needs a larger quota.
        cors_origins: the origins whose pages may call it in a browser; default none, and no CORS at all.
        networks: the IP ranges that it lets in; default all.
        vpc_endpoint_ids: makes it a private API that only these VPC endpoints reach; default none.
        firewall_requests: puts a web firewall in front, which blocks an address with more requests than that in five
            minutes; default none.
        account_log_role: set the role by which API Gateway writes access logs, which belongs to the whole account and
            region; default false: it is there. Without one, the stage cannot be created.
        tracing: X-Ray traces of the door; default true.
        log_retention: how long the access log is kept; default one month.

    Attributes:
        api: the REST API.
        url: its address, with the stage and a slash at its end (a token).
        log_group: the access log's group.

    Raises:
        OptionError: values that API Gateway would refuse, or that do not go together.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        proxy: GenerateProxy,
        request_schema: Mapping[str, Any],
        access: Access = "iam",
        clients: Mapping[str, Client] | None = None,
        callers: Sequence[str] = (),
        requests_per_second: float = 50,
        burst: int = 100,
        timeout: Duration | None = None,
        cors_origins: Sequence[str] = (),
        networks: Sequence[str] = (),
        vpc_endpoint_ids: Sequence[str] = (),
        firewall_requests: int | None = None,
        account_log_role: bool = False,
        tracing: bool = True,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        super().__init__(scope, construct_id)
        seconds = timeout.to_seconds() if timeout else DEFAULT_SECONDS
        check_range("timeout", seconds, 1, MOST_SECONDS)
        check_who(access, clients or {}, callers)
        self.log_group = logs.LogGroup(self, "AccessLog", retention=log_retention, removal_policy=RemovalPolicy.DESTROY)
        policy = resource_policy(access, callers, networks, vpc_endpoint_ids)
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=Stack.of(self).stack_name,
            description="Cohere's /v1/generate in front of a SageMaker endpoint",
            endpoint_configuration=self._reached_by(vpc_endpoint_ids),
            policy=policy,
            cloud_watch_role=account_log_role,
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                throttling_rate_limit=requests_per_second,
                throttling_burst_limit=burst,
                tracing_enabled=tracing,
                logging_level=apigateway.MethodLoggingLevel.OFF,
                data_trace_enabled=False,
                access_log_destination=apigateway.LogGroupLogDestination(self.log_group),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_LOGGED)),
            ),
            default_method_options=apigateway.MethodOptions(
                authorization_type=apigateway.AuthorizationType.IAM
                if access == "iam"
                else apigateway.AuthorizationType.NONE,
                api_key_required=access == "api_keys",
            ),
        )
        self.url = self.api.url
        self._add_methods(proxy, Duration.seconds(seconds), draft_4(request_schema), cors_origins)
        self._answer_in_the_proxys_shape(cors_origins)
        for name, client in (clients or {}).items():
            self._add_client(name, client)
        # By itself a deployment does not notice another policy, and the stage would keep the old one.
        cast("apigateway.Deployment", self.api.latest_deployment).add_to_logical_id(
            {"policy": policy.to_json() if policy else None, "schema": draft_4(request_schema)}
        )
        if firewall_requests is not None:
            add_firewall(self, self.api.deployment_stage, firewall_requests)
        self._acknowledge(access, firewalled=firewall_requests is not None, log_role=account_log_role)
        if not tracing:
            told = "the access log has the time of the whole and of the function; who wants traces sets tracing"
            acknowledge(
                self.api.deployment_stage, "APIGWXrayEnabled", reason=told, packs=["Serverless", "HIPAA.Security"]
            )

    def _reached_by(self, vpc_endpoint_ids: Sequence[str]) -> apigateway.EndpointConfiguration:
        if not vpc_endpoint_ids:
            return apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL])
        found = [
            ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
                self, f"VpcEndpoint{number}", vpc_endpoint_id=one, port=443
            )
            for number, one in enumerate(vpc_endpoint_ids, start=1)
        ]
        return apigateway.EndpointConfiguration(types=[apigateway.EndpointType.PRIVATE], vpc_endpoints=found)

    def _add_methods(
        self, proxy: GenerateProxy, timeout: Duration, schema: dict[str, Any], cors_origins: Sequence[str]
    ) -> None:
        integration = apigateway.LambdaIntegration(proxy.alias, timeout=timeout, allow_test_invoke=False)
        model = apigateway.CfnModel(
            self, "Model", rest_api_id=self.api.rest_api_id, content_type="application/json", schema=schema
        )
        validator = self.api.add_request_validator(
            "Validator", validate_request_body=True, validate_request_parameters=True
        )
        generate = self.api.root.resource_for_path(_PATH)
        generate.add_method(
            "POST",
            integration,
            request_models={"application/json": apigateway.Model.from_model_name(self, "Request", model.ref)},
            request_validator=validator,
        )
        self.api.root.resource_for_path("healthz").add_method("GET", integration)
        if cors_origins:
            generate.add_cors_preflight(
                allow_origins=list(cors_origins),
                allow_methods=["POST"],
                allow_headers=list(_CORS_HEADERS),
                max_age=Duration.hours(1),
            )

    def _answer_in_the_proxys_shape(self, cors_origins: Sequence[str]) -> None:
        # A header can hold one origin only. With several, a page learns the status of the proxy's answers alone.
        origin = {"Access-Control-Allow-Origin": f"'{cors_origins[0]}'"} if len(cors_origins) == 1 else {}
        for kind, status, code, message in _OWN_ANSWERS:
            said = json.dumps(message) if message else "$context.error.messageString"
            retry = {"Retry-After": "'1'"} if code == "throttled" else {}
            self.api.add_gateway_response(
                f"Answer{kind}",
                type=apigateway.ResponseType.of(kind),
                status_code=status,
                response_headers={**origin, **retry} or None,
                templates={"application/json": f'{{"message": {said}, "id": "$context.requestId", "code": "{code}"}}'},
            )

    def _add_client(self, name: str, client: Client) -> None:
        check_range(f"{name}.requests_per_second", client.requests_per_second, 0.001, 10_000)
        check_range(f"{name}.burst", client.burst, 1, 5_000)
        called = f"{Stack.of(self).stack_name}-{name}"
        key = self.api.add_api_key(f"Key-{name}", api_key_name=called)
        plan = self.api.add_usage_plan(
            f"Plan-{name}",
            name=called,
            throttle=apigateway.ThrottleSettings(rate_limit=client.requests_per_second, burst_limit=client.burst),
            quota=apigateway.QuotaSettings(limit=client.quota, period=apigateway.Period[client.period.upper()])
            if client.quota
            else None,
            api_stages=[apigateway.UsagePlanPerApiStage(api=self.api, stage=self.api.deployment_stage)],
        )
        plan.add_api_key(key)

    def _acknowledge(self, access: Access, *, firewalled: bool, log_role: bool) -> None:
        stage = self.api.deployment_stage
        encrypted = "CloudWatch encrypts every group with a key of its own, and the lines hold no prompt and no text"
        acknowledge(self.log_group, "CloudWatchLogGroupEncrypted", reason=encrypted)
        bodies = "execution logs hold what a request's validation found, and that is the caller's text"
        acknowledge(stage, "APIGWExecutionLoggingEnabled", reason=bodies)
        acknowledge(stage, "APIG6", reason=bodies, packs=["AwsSolutions"])
        cached = "an answer is one caller's: nothing is cached"
        acknowledge(stage, "APIGWCacheEnabledAndEncrypted", reason=cached)
        behind = "behind it is a Lambda function, which is invoked with IAM and knows no client certificates"
        acknowledge(stage, "APIGWSSLEnabled", reason=behind)
        known = "callers are known by their signature or their key; there are no users to sign in"
        for method in self.api.methods:
            if method.http_method == "OPTIONS":
                continue
            acknowledge(method, "COG4", reason=known, packs=["AwsSolutions"])
            if access == "api_keys":
                acknowledge(method, "APIG4", reason=known, packs=["AwsSolutions"])
        if log_role:
            policy = (
                "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]"
            )
            given = "it is the policy that AWS has for the one role of the account by which API Gateway writes logs"
            acknowledge(self.api.node.find_child("CloudWatchRole"), policy, reason=given, packs=["AwsSolutions"])
        if not firewalled:
            open_to = "callers are known by their signature or key, and each is throttled; firewall_requests adds one"
            acknowledge(stage, "APIGWAssociatedWithWAF", reason=open_to, packs=["NIST.800.53.R5", "PCI.DSS.321"])
            acknowledge(stage, "APIG3", reason=open_to, packs=["AwsSolutions"])
