"""The operations of the OpenAPI document: one for each path of each route."""

from __future__ import annotations

from typing import Any, Final

from proxy.errors import RETRY_AFTER_SECONDS, STATUS, failed
from proxy.routes.table import HEALTH, MODELS, VARIANT_HEADER, Route
from sagemaker_llm import RequestLimits
from sagemaker_llm.limits import VARIANT_NAME_LENGTH, VARIANT_NAME_PATTERN
from sagemaker_llm.proxy import source

_MEANING: Final = {
    400: "The request is wrong. `model_refused` has the container's own words.",
    401: "No API key, or one that is wrong, disabled or deleted. API Gateway's own response, with `access: bearer` or "
    "`api_keys`.",
    403: "Not signed or not allowed. AWS's own response.",
    404: "No model here answers the route, or there is no model of that name.",
    405: "The method is not allowed.",
    413: "The body is longer than the environment allows.",
    415: "The content-type is not application/json.",
    424: "The request failed behind the proxy, and another attempt may repeat a generation or is useless.",
    429: "Too many requests. Nothing was generated.",
    500: "A defect of the proxy, before a request was sent. Report the id to the operator.",
    503: "The model is not ready, or SageMaker cannot be reached. Nothing was generated.",
}
_NO_KEY: Final = 401
_WITHOUT_A_MODEL: Final = (401, 403, 405, 424, 429, 500, 503)

_SUMMARIES: Final = {
    "generate": ("Continue a prompt", "GenerateResponse"),
    "chat": ("Answer a message", "ChatResponse"),
    "embed": ("Make vectors of texts or an image", "EmbedResponse"),
    "rerank": ("Order documents by how well they answer a query", "RerankResponse"),
    "chat_v2": ("Answer a conversation", "ChatV2Response"),
    "embed_v2": ("Make vectors of texts, images or both", "EmbedV2Response"),
    "rerank_v2": ("Order texts by how well they answer a query", "RerankResponse"),
    "chat_completions": ("Answer a conversation", "ChatCompletion"),
    "embeddings": ("Make vectors of texts", "EmbeddingsResponse"),
    "models": ("List the models", "Models"),
    "model": ("Tell about a model", "Model"),
    "check_api_key": ("Whether the key is valid; the front door has checked it", "KeyCheck"),
    "openai_models": ("List the models", "OpenAIModels"),
    "openai_model": ("Tell about a model", "OpenAIModel"),
    "health": ("Whether the proxy runs; no model is called", "Health"),
}
"""A summary of each route, and the schema of its answer."""

_EVENTS: Final = {
    "generate": "Cohere's objects `text-generation` and `stream-end`, or `stream-error`.",
    "chat": "Cohere's objects, from `stream-start` to `stream-end`.",
    "chat_v2": "Cohere's events, from `message-start` to `message-end`.",
    "chat_completions": "OpenAI's chunks, or an object with `error`; then `[DONE]`.",
}
_LINES: Final = "application/stream+json"


def operation(route: Route, path: str) -> dict[str, Any]:
    """Return the operation of a route at one of its paths."""
    summary, answer = _SUMMARIES[route.name]
    found: dict[str, Any] = {
        "operationId": route.name if path == route.path else f"{route.name}_at{path.replace('/', '_')}",
        "summary": summary,
        "tags": [_tag(route)],
    }
    if parameters := _parameters(route):
        found["parameters"] = parameters
    if route.schema:
        name = source.request_schema(route, RequestLimits().by_name)["title"]
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(name)}}}
    statuses = tuple(_MEANING) if route.translations else _statuses_without_a_model(route)
    content: dict[str, Any] = {"application/json": {"schema": _ref(answer)}, **_streams(route)}
    found["responses"] = {
        "200": {"description": "The answer.", "headers": _headers(), "content": content},
        **{str(status): {"$ref": f"#/components/responses/{_name(status, route.dialect)}"} for status in statuses},
    }
    return found


def problems() -> dict[str, Any]:
    """Return the responses that are no answers, by their names in the document."""
    return {
        _name(status, dialect): _problem(status, dialect) for dialect in ("cohere", "openai") for status in _MEANING
    }


def _name(status: int, dialect: str) -> str:
    return f"{'OpenAI' if dialect == 'openai' else 'Cohere'}{status}"


def _tag(route: Route) -> str:
    if route.dialect == "openai":
        return "OpenAI"
    return "The proxy" if route is HEALTH else f"Cohere, API {'v2' if route.path.startswith('/v2/') else 'v1'}"


def _statuses_without_a_model(route: Route) -> tuple[int, ...]:
    return (*_WITHOUT_A_MODEL, 404) if "{" in route.path else _WITHOUT_A_MODEL


def _parameters(route: Route) -> list[dict[str, Any]]:
    if route.translations:
        schema = {"type": "string", "pattern": f"^{VARIANT_NAME_PATTERN}$", "maxLength": VARIANT_NAME_LENGTH}
        description = "The variant of the endpoint. Default: by the variants' weights."
        return [{"name": VARIANT_HEADER, "in": "header", "description": description, "schema": schema}]
    if "{" in route.path:
        description = "A name of the model."
        return [
            {"name": "name", "in": "path", "required": True, "description": description, "schema": {"type": "string"}}
        ]
    if route is not MODELS:
        return []
    # Whatever is no value of theirs is ignored.
    filters = {
        "endpoint": "Only the models for this, as `chat` or `embed`.",
        "default_only": "`true`: only the first of them.",
        "page_size": "At most so many.",
    }
    return [
        {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}
        for name, description in filters.items()
    ]


def _streams(route: Route) -> dict[str, Any]:
    """Return the content of an answer to ``stream: true``, by media type."""
    if not route.streams:
        return {}
    events = {"schema": {"type": "string", "description": f"{_EVENTS[route.name]} Needs `proxy.streaming`."}}
    if route.dialect == "openai":
        return {"text/event-stream": events}
    lines = {"schema": {"type": "string", "description": f"The same, one JSON object a line. {_when_lines(route)}"}}
    return {"text/event-stream": events, _LINES: lines}


def _when_lines(route: Route) -> str:
    if route.path.startswith("/v2/"):
        return "With `Accept: application/json`."
    return "Unless the request has `Accept: text/event-stream`."


def _headers() -> dict[str, Any]:
    return {"x-request-id": {"description": "The id in the log.", "schema": {"type": "string"}}}


def _problem(status: int, dialect: str) -> dict[str, Any]:
    codes = [code for code, its in STATUS.items() if its == status]
    headers = _headers() if codes else {}
    if set(codes) & set(RETRY_AFTER_SECONDS):
        headers["retry-after"] = {"description": "Seconds.", "schema": {"type": "integer"}}
    if failed(status) and "retry-after" not in headers:
        headers["x-should-retry"] = {"description": "OpenAI's clients obey it.", "schema": {"const": "false"}}
    if status == STATUS["method_not_allowed"]:
        headers["allow"] = {"description": "The method.", "schema": {"type": "string"}}
    named = f" Codes: {', '.join(codes)}." if codes else ""
    schema: dict[str, Any] = _ref("OpenAIError" if dialect == "openai" else "Error")
    if status == _NO_KEY:
        schema = {"allOf": [_ref("Error"), _ref("OpenAIError")]}
    elif not codes:
        schema = {"type": "object"}
    found: dict[str, Any] = {"description": _MEANING[status] + named}
    if headers:
        found["headers"] = headers
    return {**found, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
