"""Adds to MiniStack's REST APIs: time limits, access logs, the payload limit, permissions, web firewalls.

One of the modules that use MiniStack's private names. Sources: docs.aws.amazon.com/apigateway/latest/developerguide,
"api-gateway-execution-service-limits-table" (time, size), "set-up-logging" (the account's role, the format),
"handle-errors-in-lambda-integration" (502).
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, Final

from ministack import app
from ministack.services import apigateway_v1 as rest
from ministack.services import lambda_svc, waf
from ministack.services.cloudformation import provisioners

from local_aws.server import emulator
from local_aws.server.emulator import Properties, ResourceType, Response
from local_aws.server.front_doors import access_log, api_metrics, streamed_responses

_PAYLOAD_BYTES: Final = 10_000_000

_VALIDATOR: Final = "AWS::ApiGateway::RequestValidator"
_ASSOCIATION: Final = "AWS::WAFv2::WebACLAssociation"
# The host name in CloudFormation's outputs; MiniStack accepts only its own.
_HOST = re.compile(r"^([a-f0-9]{8})\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?::\d+)?$")
# Status and headers by which MiniStack answers for a function that failed; the proxy sends more headers.
_FAILED_FUNCTION: Final = (502, {"Content-Type": "application/json"})


def complete() -> None:
    """Add what MiniStack's REST APIs lack."""
    app._EXECUTE_API_RE = _HOST
    _check_requests_and_log()
    _check_permission_and_limit_time()
    _complete("AWS::ApiGateway::Stage", _keep_log_setting, _check_log_role)
    _complete("AWS::ApiGateway::Method", _keep_settings_of_method)
    for resource in (_validator(), _association()):
        emulator.add_resource_type(resource)


def _check_requests_and_log() -> None:
    original = rest._execute_in_scope

    async def execute(request: dict[str, Any], *arguments: Any) -> Any:  # noqa: ANN401 - MiniStack's own
        started = time.time()
        _api_id, _stage, method, _path, headers, body = arguments[:6]
        response: Any = _refusal(headers, len(body or b""))
        if response:
            request["stage"] = rest._stages_v1[request["api_id"]][request["stage_name"]]
        else:
            response = await original(request, *arguments)
        if not isinstance(response, rest._GatewayError):

            def note(size: int) -> None:
                access_log.write(request, method, headers, started, response, size)
                api_metrics.record(request, started, response)

            return streamed_responses.when_sent(response, note)
        access_log.write(request, method, headers, started, response)
        api_metrics.record(request, started, response)
        return response

    rest._execute_in_scope = execute


def _refusal(headers: dict[str, Any], body_bytes: int) -> Any:  # noqa: ANN401 - MiniStack's own
    """Return the error for a request that MiniStack would accept and AWS refuses; None for a valid request."""
    if body_bytes > _PAYLOAD_BYTES:
        return rest._gw_error("REQUEST_TOO_LARGE", f"HTTP content length exceeded {_PAYLOAD_BYTES} bytes.")
    scope = emulator.CREDENTIAL.search(headers.get("authorization", ""))
    if scope and scope["service"] != "execute-api":
        return rest._gw_error("INVALID_SIGNATURE", "Credential should be scoped to correct service: 'execute-api'.")
    if scope and scope["region"] != emulator.region():
        return rest._gw_error("INVALID_SIGNATURE", "Credential should be scoped to a valid region.")
    return None


def _check_permission_and_limit_time() -> None:
    original = rest._invoke_lambda_proxy_v1

    async def invoke(integration: dict[str, Any], api_id: str, stage_name: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        _stage, resource, _path, method = arguments[:4]
        invoked = f"{api_id}/{stage_name}/{method}{resource['path']}"
        if not _may_invoke(integration["uri"], invoked):
            return rest._gw_error("API_CONFIGURATION_ERROR", "Internal server error")
        seconds = int(integration.get("timeoutInMillis") or 29_000) / 1000
        try:
            answer = await asyncio.wait_for(original(integration, api_id, stage_name, *arguments, **named), seconds)
        except TimeoutError:
            return rest._gw_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")
        if not isinstance(answer, tuple):
            return answer
        status, headers, content = answer
        failed = (status, headers) == _FAILED_FUNCTION
        if failed or not isinstance(status, int) or not streamed_responses.is_body(content):
            return rest._gw_error("DEFAULT_5XX", "Internal server error")
        return answer

    rest._invoke_lambda_proxy_v1 = invoke


def _may_invoke(uri: str, method: str) -> bool:
    """Return whether the function's policy allows API Gateway to invoke it for this method."""
    reference = rest._extract_lambda_ref_from_integration_uri(uri)
    found = lambda_svc.function_policy_for_arn(reference)
    source = f"arn:aws:execute-api:{emulator.region()}:{emulator.account()}:{method}"
    for statement in found[0]["Statement"] if found else []:
        if statement["Principal"] != {"Service": "apigateway.amazonaws.com"} or statement["Resource"] != reference:
            continue
        condition = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "*")
        if fnmatchcase(source, condition):
            return True
    return False


def _complete(
    type_name: str, keep: Callable[[Properties], None], check: Callable[[Properties], None] | None = None
) -> None:
    """Make a CloudFormation type of MiniStack store properties that it ignores.

    Args:
        type_name: the type.
        keep: called with the properties after the resource was created or updated.
        check: called with the properties before; raises ValueError to fail.

    """

    def whole(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:  # noqa: ANN401 - MiniStack's own
            properties = arguments[-2]  # before the stack's name, after the id and, of an update, the old ones
            if check:
                check(properties)
            made = original(*arguments)
            keep(properties)
            return made

        return call

    handlers = provisioners._RESOURCE_HANDLERS[type_name]
    handlers.update({operation: whole(handlers[operation]) for operation in ("create", "update")})


def _check_log_role(stage: Properties) -> None:
    role = (rest._account_settings.get("settings") or {}).get("cloudwatchRoleArn")
    if stage.get("AccessLogSetting") and not role:
        raise ValueError("CloudWatch Logs role ARN must be set in account settings to enable logging")


def _keep_log_setting(stage: Properties) -> None:
    setting = stage.get("AccessLogSetting") or {}
    kept = rest._stages_v1[stage["RestApiId"]][stage["StageName"]]
    kept["accessLogSettings"] = {name[0].lower() + name[1:]: value for name, value in setting.items()}


def _keep_settings_of_method(method: Properties) -> None:
    resource = rest._resources[method["RestApiId"]][method["ResourceId"]]
    kept = resource["resourceMethods"][method["HttpMethod"]]
    kept["requestValidatorId"] = method.get("RequestValidatorId")
    mode = (method.get("Integration") or {}).get("ResponseTransferMode", "BUFFERED")
    kept.get("methodIntegration", {})["responseTransferMode"] = mode


def _validator() -> ResourceType:
    """Return the type of request validators, which MiniStack has in its API but not in CloudFormation."""

    def rules(properties: Properties) -> Properties:
        return {
            "name": properties.get("Name", ""),
            "validateRequestBody": properties.get("ValidateRequestBody", False),
            "validateRequestParameters": properties.get("ValidateRequestParameters", False),
        }

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> tuple[str, Properties]:
        made = json.loads(_body(rest._create_request_validator(properties["RestApiId"], rules(properties))))
        return made["id"], {"RequestValidatorId": made["id"]}

    def update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> tuple[str, Properties]:
        rest._request_validators[new["RestApiId"]][physical_id].update(rules(new))
        return physical_id, {"RequestValidatorId": physical_id}

    def delete(physical_id: str, properties: Properties) -> None:
        rest._delete_request_validator(properties["RestApiId"], physical_id)

    def read(physical_id: str, properties: Properties) -> Properties | None:
        found = rest._request_validators.get(properties["RestApiId"], {}).get(physical_id)
        return {"ValidateRequestBody": found["validateRequestBody"]} if found else None

    return ResourceType(_VALIDATOR, create, update, delete, read, frozenset({"ValidateRequestBody"}))


def _body(response: Response) -> bytes:
    """Return the body of a response.

    Raises:
        ValueError: the response is an error.

    """
    if response[0] >= 400:
        raise ValueError(str(json.loads(response[2]).get("message", "refused")))
    return bytes(response[2])


def _association() -> ResourceType:
    """Return the type that attaches a web ACL to a stage. The rules do not run: see docs/fidelity.md."""

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> tuple[str, Properties]:
        _body(waf._associate_web_acl(properties))
        return f"{properties['WebACLArn']}|{properties['ResourceArn']}", {}

    def update(physical_id: str, _old: Properties, _new: Properties, _stack_name: str) -> tuple[str, Properties]:
        return physical_id, {}

    def delete(physical_id: str, _properties: Properties) -> None:
        _body(waf._disassociate_web_acl({"ResourceArn": physical_id.partition("|")[2]}))

    def read(physical_id: str, _properties: Properties) -> Properties | None:
        resource = physical_id.partition("|")[2]
        found = waf._associations.get(resource)
        return {"ResourceArn": resource, "WebACLArn": found} if found else None

    return ResourceType(_ASSOCIATION, create, update, delete, read, frozenset({"ResourceArn", "WebACLArn"}))
