"""The methods of a REST API in front of a proxy: one for each route, with the schema of its bodies."""

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
    """Add every route of the proxy; return the schemas, of which the deployment's id has to be.

    Args:
        scope: the parent of the models.
        api: the REST API.
        proxy: the proxy.
        timeout: API Gateway's time-out.
        cors_origins: the origins whose pages may send requests; none without CORS.

    """
    integration = apigateway.LambdaIntegration(
        proxy.alias,
        timeout=timeout,
        allow_test_invoke=False,
        response_transfer_mode=apigateway.ResponseTransferMode.STREAM if proxy.streaming else None,
    )
    models: dict[str, Any] = {}
    validator: apigateway.RequestValidator | None = None
    for route in source.routes(proxy.apis):
        resources = [api.root.resource_for_path(path.lstrip("/")) for path in route.paths]
        if not route.schema:
            for resource in resources:
                resource.add_method(route.method, integration)
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
        validator = validator or api.add_request_validator(
            "Validator", validate_request_body=True, validate_request_parameters=True
        )
        request = apigateway.Model.from_model_name(scope, f"Request{suffix}", model.ref)
        for resource in resources:
            resource.add_method(
                route.method,
                integration,
                request_models={"application/json": request},
                request_validator=validator,
            )
            if cors_origins:
                resource.add_cors_preflight(
                    allow_origins=list(cors_origins),
                    allow_methods=[route.method],
                    allow_headers=[*_CORS_HEADERS, source.variant_header()],
                    max_age=Duration.hours(1),
                )
    return models
