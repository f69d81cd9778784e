"""Adds to MiniStack's REST APIs: API keys that an authorizer names, and what the proxy learns of a key.

One of the modules that use MiniStack's private names. Sources: docs.aws.amazon.com/apigateway/latest/developerguide,
"api-gateway-api-key-source" (the key comes from a header or from the authorizer, never from both),
"apigateway-authorization-flow" (an explicit deny of the resource policy comes before the authorizer),
"api-gateway-mapping-template-reference" (``identity.apiKeyId``).
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from ministack.services import apigateway_v1 as rest

# The key is kept in the authorizer's context, which MiniStack caches, and taken out before anybody sees it.
_MEMBER: Final = "\0usageIdentifierKey"

_key: ContextVar[str | None] = ContextVar("_key", default=None)
"""The key of the request being served; None when it has none."""


def complete() -> None:
    """Add what MiniStack's API keys lack."""
    _read_keys_from_their_source()
    _keep_key_of_authorizer()
    _take_key_from_authorizer()
    _name_key_in_event()
    _update_with_types()


def _read_keys_from_their_source() -> None:
    execute, from_header = rest._execute_in_scope, rest._api_key_from_request

    async def execute_with_key(request: dict[str, Any], *arguments: Any) -> Any:  # noqa: ANN401 - MiniStack's own
        api = rest._rest_apis.get(request["api_id"]) or {}
        _key.set(None if api.get("apiKeySource") == "AUTHORIZER" else from_header(arguments[4]))
        return await execute(request, *arguments)

    rest._execute_in_scope = execute_with_key
    rest._api_key_from_request = lambda _headers: _key.get()


def _keep_key_of_authorizer() -> None:
    invoke = rest._invoke_authorizer_lambda

    async def invoke_and_keep(*arguments: Any) -> Any:  # noqa: ANN401 - MiniStack's own
        result = await invoke(*arguments)
        answer = (result or {}).get("body")
        if not isinstance(answer, dict) or not answer.get("usageIdentifierKey"):
            return result
        context = {**(answer.get("context") or {}), _MEMBER: str(answer["usageIdentifierKey"])}
        return {**result, "body": {**answer, "context": context}}

    rest._invoke_authorizer_lambda = invoke_and_keep


def _take_key_from_authorizer() -> None:
    authorize = rest._authorize_request_v1

    async def authorize_and_take(api_id: str, stage: str, method: dict[str, Any], *arguments: Any) -> Any:  # noqa: ANN401
        if method.get("authorizationType") == "CUSTOM":
            verb, path, account, region = *arguments[:2], *arguments[-2:]
            denied = rest._anonymous_policy_error(api_id, stage, verb, path, account, region)
            if denied and "explicit deny" in denied.message:
                return denied, None
        error, context = await authorize(api_id, stage, method, *arguments)
        if context and _MEMBER in context:
            context = dict(context)
            _key.set(context.pop(_MEMBER))
        return error, context

    rest._authorize_request_v1 = authorize_and_take


def _name_key_in_event() -> None:
    build = rest._build_lambda_event_v1

    def build_with_key(*arguments: Any, **named: Any) -> dict[str, Any]:  # noqa: ANN401 - MiniStack's own
        event: dict[str, Any] = build(*arguments, **named)
        if key := rest._resolve_api_key(_key.get()):
            event["requestContext"]["identity"].update(apiKey=key["value"], apiKeyId=key["id"])
        return event

    rest._build_lambda_event_v1 = build_with_key


def _update_with_types() -> None:
    update = rest._update_api_key

    def update_with_types(key_id: str, data: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's own
        # The values of a patch are texts.
        for one in data.get("patchOperations", []):
            if one.get("path") == "/enabled":
                one["value"] = str(one.get("value")).lower() == "true"
        return update(key_id, data)

    rest._update_api_key = update_with_types
