"""The methods of a REST API in front of a proxy: one for each route with a schema, and one for everything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from sagemaker_llm.proxy import source
from sagemaker_llm.proxy.schema_draft_4 import draft_4

if TYPE_CHECKING:
    from sagemaker_llm.proxy.llm_proxy import LlmProxy

EVERYTHING_ELSE: Final = "{proxy+}"
"""The greedy resource."""

_CORS_HEADERS: Final = (
    "authorization",
    "content-type",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-api-key",
)


def add_methods(
    scope: Construct, api: apigateway.RestApi, proxy: LlmProxy, timeout: Duration, cors_origins: Sequence[str]
) -> dict[str, Any]:
    """Add the methods; return the schemas, of which the deployment's id has to be.

    A route whose bodies have a schema gets a resource of its own, on which API Gateway checks them. Every other path
    and method goes to the function as well, which answers it in the shape of its dialect.

    Args:
        scope: the parent of the models.
        api: the REST API.
        proxy: the proxy.
        timeout: API Gateway's time-out.
        cors_origins: the origins whose pages may send requests; none without CORS.

    """
    # One permission for all methods: that of the greedy resource would cover them anyway.
    integration = apigateway.LambdaIntegration(
        proxy.alias,
        timeout=timeout,
        scope_permission_to_method=False,
        response_transfer_mode=apigateway.ResponseTransferMode.STREAM if proxy.streaming else None,
    )
    models: dict[str, Any] = {}
    validator = api.add_request_validator("Validator", validate_request_body=True, validate_request_parameters=True)
    for route in source.routes(proxy.apis):
        if not route.schema:
            continue
        schema = draft_4(source.request_schema(route, proxy.request_limits.by_name))
        suffix = "" if not models else f"-{route.name}"
        models["schema" + suffix] = schema
        model = apigateway.CfnModel(
            scope,
            f"Model{suffix}",
            rest_api_id=api.rest_api_id,
            content_type="application/json",
            schema=schema,
        )
        request = apigateway.Model.from_model_name(scope, f"Request{suffix}", model.ref)
        for path in route.paths:
            resource = api.root.resource_for_path(path.lstrip("/"))
            resource.add_method(
                route.method,
                integration,
                request_models={"application/json": request},
                request_validator=validator,
            )
            _add_preflight(resource, [route.method], cors_origins)
    rest = api.root.add_resource(EVERYTHING_ELSE)
    rest.add_method("ANY", integration)
    _add_preflight(rest, ["GET", "POST"], cors_origins)
    return models


def _add_preflight(resource: apigateway.Resource, methods: Sequence[str], cors_origins: Sequence[str]) -> None:
    if cors_origins:
        resource.add_cors_preflight(
            allow_origins=list(cors_origins),
            allow_methods=list(methods),
            allow_headers=[*_CORS_HEADERS, source.variant_header()],
            max_age=Duration.hours(1),
        )
