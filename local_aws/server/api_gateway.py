"""What MiniStack's REST APIs lack: time limits, access logs, the limit of a body, permissions, web firewalls.

Beside ``emulator`` the only module that knows MiniStack. Sources: docs.aws.amazon.com/apigateway/latest/developerguide,
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
from ministack.services import cloudwatch_logs, lambda_svc, waf
from ministack.services.cloudformation import provisioners

from local_aws.server import emulator
from local_aws.server.emulator import Properties, ResourceType, Response

MAX_BODY_BYTES: Final = 10_000_000

_VALIDATOR: Final = "AWS::ApiGateway::RequestValidator"
_ASSOCIATION: Final = "AWS::WAFv2::WebACLAssociation"
# The name that CloudFormation's outputs have; MiniStack knows its own host only.
_HOST = re.compile(r"^([a-f0-9]{8})\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?::\d+)?$")
_VARIABLE = re.compile(r"\$context\.([\w.]+)")
_STREAM: Final = "access"


def complete() -> None:
    """Add to MiniStack's REST APIs what they lack."""
    app._EXECUTE_API_RE = _HOST
    _limit_bodies_and_scopes_and_log()
    _limit_time_and_ask_for_permission()
    _complete("AWS::ApiGateway::Stage", _keep_log_setting, _check_log_role)
    _complete("AWS::ApiGateway::Method", _keep_validator_of_method)
    for resource in (_validator(), _association()):
        emulator.add_resource_type(resource)


def _limit_bodies_and_scopes_and_log() -> None:
    original = rest._execute_in_scope

    async def execute(request: dict[str, Any], *arguments: Any) -> Any:  # noqa: ANN401 - MiniStack's own
        began = time.time()
        _api_id, _stage, method, _path, headers, body = arguments[:6]
        answer: Any = _refusal(headers, len(body or b""))
        if answer:
            request["stage"] = rest._stages_v1[request["api_id"]][request["stage_name"]]
        else:
            answer = await original(request, *arguments)
        _log(request, method, headers, began, answer)
        return answer

    rest._execute_in_scope = execute


def _refusal(headers: dict[str, Any], body_bytes: int) -> Any:  # noqa: ANN401 - MiniStack's own
    """Return what MiniStack would let through; None when nothing is wrong."""
    if body_bytes > MAX_BODY_BYTES:
        return rest._gw_error("REQUEST_TOO_LARGE", f"HTTP content length exceeded {MAX_BODY_BYTES} bytes.")
    scope = emulator.CREDENTIAL.search(headers.get("authorization", ""))
    if scope and scope["service"] != "execute-api":
        return rest._gw_error("INVALID_SIGNATURE", "Credential should be scoped to correct service: 'execute-api'.")
    if scope and scope["region"] != emulator.region():
        return rest._gw_error("INVALID_SIGNATURE", "Credential should be scoped to a valid region.")
    return None


def _log(request: dict[str, Any], method: str, headers: dict[str, Any], began: float, answer: Any) -> None:  # noqa: ANN401
    """Write a line of the stage's access log, where it has one."""
    wanted = (request["stage"] or {}).get("accessLogSettings") or {}
    if not wanted:
        return
    refused = isinstance(answer, rest._GatewayError)
    status, content = (None, b"") if refused else (answer[0], answer[2])
    if refused:
        status, _, content = rest._gateway_error_response(answer, request)
    key = rest._resolve_api_key(rest._api_key_from_request(headers))
    elapsed = str(round((time.time() - began) * 1000))
    values = {
        "requestId": request["request_id"],
        "requestTimeEpoch": str(int(began * 1000)),
        "identity.sourceIp": "127.0.0.1",
        "identity.apiKeyId": (key or {}).get("id"),
        "httpMethod": method,
        "resourcePath": request["resource_path"],
        "status": str(status),
        "error.responseType": answer.response_type if refused else None,
        "responseLatency": elapsed,
        "integrationLatency": None if refused else elapsed,
        "integration.status": None if refused else "200",
        "responseLength": str(len(content)),
    }
    line = _VARIABLE.sub(lambda found: values.get(found[1]) or "-", wanted["format"])
    group = wanted["destinationArn"].rpartition("log-group:")[2].removesuffix(":*")
    where = {"logGroupName": group, "logStreamName": _STREAM}
    cloudwatch_logs._create_log_stream(where)
    cloudwatch_logs._put_log_events({**where, "logEvents": [{"timestamp": int(began * 1000), "message": line}]})


def _limit_time_and_ask_for_permission() -> None:
    original = rest._invoke_lambda_proxy_v1

    async def invoke(integration: dict[str, Any], api_id: str, stage_name: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        _stage, resource, _path, method = arguments[:4]
        called = f"{api_id}/{stage_name}/{method}{resource['path']}"
        if not _may_invoke(integration["uri"], called):
            return rest._gw_error("API_CONFIGURATION_ERROR", "Internal server error")
        seconds = int(integration.get("timeoutInMillis") or 29_000) / 1000
        try:
            answer = await asyncio.wait_for(original(integration, api_id, stage_name, *arguments, **named), seconds)
        except TimeoutError:
            return rest._gw_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")
        if not isinstance(answer, tuple):
            return answer
        status, _, content = answer
        if not isinstance(status, int) or not isinstance(content, bytes):
            return rest._gw_error("DEFAULT_5XX", "Internal server error")
        return answer

    rest._invoke_lambda_proxy_v1 = invoke


def _may_invoke(uri: str, called: str) -> bool:
    """Return whether the function lets this API in: a permission for API Gateway whose source is the method."""
    reference = rest._extract_lambda_ref_from_integration_uri(uri)
    found = lambda_svc.function_policy_for_arn(reference)
    source = f"arn:aws:execute-api:{emulator.region()}:{emulator.account()}:{called}"
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
    """Let a CloudFormation type of MiniStack's keep what it drops.

    Args:
        type_name: the type.
        keep: gets the properties when the resource was created or updated.
        check: gets them before; raises ValueError to fail.

    """
    handlers = provisioners._RESOURCE_HANDLERS[type_name]
    create, update = handlers["create"], handlers["update"]

    def create_whole(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Properties]:
        if check:
            check(properties)
        made: tuple[str, Properties] = create(logical_id, properties, stack_name)
        keep(properties)
        return made

    def update_whole(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Properties]:
        if check:
            check(new)
        made: tuple[str, Properties] = update(physical_id, old, new, stack_name)
        keep(new)
        return made

    handlers.update(create=create_whole, update=update_whole)


def _check_log_role(stage: Properties) -> None:
    role = (rest._account_settings.get("settings") or {}).get("cloudwatchRoleArn")
    if stage.get("AccessLogSetting") and not role:
        raise ValueError("CloudWatch Logs role ARN must be set in account settings to enable logging")


def _keep_log_setting(stage: Properties) -> None:
    setting = stage.get("AccessLogSetting") or {}
    kept = rest._stages_v1[stage["RestApiId"]][stage["StageName"]]
    kept["accessLogSettings"] = {name[0].lower() + name[1:]: value for name, value in setting.items()}


def _keep_validator_of_method(method: Properties) -> None:
    resource = rest._resources[method["RestApiId"]][method["ResourceId"]]
    resource["resourceMethods"][method["HttpMethod"]]["requestValidatorId"] = method.get("RequestValidatorId")


def _validator() -> ResourceType:
    """Return the type of request validators, which MiniStack has in its API and not in CloudFormation."""

    def rules(properties: Properties) -> Properties:
        return {
            "name": properties.get("Name", ""),
            "validateRequestBody": properties.get("ValidateRequestBody", False),
            "validateRequestParameters": properties.get("ValidateRequestParameters", False),
        }

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> tuple[str, Properties]:
        made = json.loads(_taken(rest._create_request_validator(properties["RestApiId"], rules(properties))))
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


def _taken(answer: Response) -> bytes:
    """Return an answer's content.

    Raises:
        ValueError: it is a refusal.

    """
    if answer[0] >= 400:
        raise ValueError(str(json.loads(answer[2]).get("message", "refused")))
    return bytes(answer[2])


def _association() -> ResourceType:
    """Return the type that puts a web firewall in front of a stage. Its rules are not run: see docs/fidelity.md."""

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> tuple[str, Properties]:
        _taken(waf._associate_web_acl(properties))
        return f"{properties['WebACLArn']}|{properties['ResourceArn']}", {}

    def update(physical_id: str, _old: Properties, _new: Properties, _stack_name: str) -> tuple[str, Properties]:
        return physical_id, {}

    def delete(physical_id: str, _properties: Properties) -> None:
        _taken(waf._disassociate_web_acl({"ResourceArn": physical_id.partition("|")[2]}))

    def read(physical_id: str, _properties: Properties) -> Properties | None:
        resource = physical_id.partition("|")[2]
        found = waf._associations.get(resource)
        return {"ResourceArn": resource, "WebACLArn": found} if found else None

    return ResourceType(_ASSOCIATION, create, update, delete, read, frozenset({"ResourceArn", "WebACLArn"}))
