"""Writes docs/openapi.yaml and the fields' reference in the proxy's README: ``make openapi``; a test keeps them fresh.

Both are generated from the proxy's own routes, schemas and table of errors, with an environment's default limits.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from proxy.errors import RETRY_AFTER_SECONDS, STATUS
from proxy.routes.table import GENERATE, HEALTH, VARIANT_HEADER
from sagemaker_llm import RequestLimits
from sagemaker_llm.limits import VARIANT_NAME_LENGTH, VARIANT_NAME_PATTERN
from sagemaker_llm.proxy import source

ROOT = Path(__file__).parent.parent
PATH: Final = ROOT / "docs" / "openapi.yaml"
README: Final = ROOT / "lambda" / "proxy" / "README.md"
_TABLE: Final = re.compile(r"(<!-- fields -->\n).*?(<!-- /fields -->)", re.DOTALL)

_MEANING: Final = {
    400: "The request is wrong. `model_refused` has the container's own words.",
    403: "Not signed, not allowed, or no API key. AWS's own response.",
    405: "The method is not allowed.",
    413: "The body is longer than the environment allows.",
    415: "The content-type is not application/json.",
    429: "Too many requests. Nothing was generated.",
    500: "A defect, or the proxy may not use its endpoint. Report the id to the operator.",
    502: "The model or SageMaker failed, or the answer is not Cohere's. The model may have generated.",
    503: "The model is not ready, or SageMaker cannot be reached. Nothing was generated.",
    504: "It took too long, or the connection was lost. The model may have generated.",
}


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    request = source.request_schema(GENERATE, RequestLimits().by_name)
    del request["$schema"]
    components = {
        "securitySchemes": {
            "signature": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "AWS Signature Version 4, for the service `lambda` at a Function URL and for "
                "`execute-api` at a REST API.",
                "x-amazon-apigateway-authtype": "awsSigv4",
            },
            "key": {
                "type": "apiKey",
                "in": "header",
                "name": "x-api-key",
                "description": "At a REST API with `access: api_keys`.",
            },
        },
        "schemas": {"GenerateRequest": request, "GenerateResponse": _response(), "Error": _error()},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cohere's generate, in front of a SageMaker endpoint",
            "version": "1",
            "description": "The limits are an environment's defaults; its file may set others.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "https://{id}.lambda-url.{region}.on.aws",
                "description": "A Function URL",
                "variables": {"id": {"default": "id"}, "region": {"default": "us-east-1"}},
            },
            {
                "url": "https://{id}.execute-api.{region}.amazonaws.com/live",
                "description": "A REST API",
                "variables": {"id": {"default": "id"}, "region": {"default": "us-east-1"}},
            },
        ],
        "security": [{"signature": []}, {"key": []}],
        "paths": {GENERATE.path: {"post": _generate()}, HEALTH.path: {"get": _health()}},
        "components": components,
    }


def text() -> str:
    """Return the OpenAPI document's text."""
    dumped: str = yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)
    return dumped


def readme() -> str:
    """Return the README's text with the reference of the fields in it."""
    rows = ["| field | takes | |", "|---|---|---|"]
    properties = source.request_schema(GENERATE, RequestLimits().by_name)["properties"]
    rows += [f"| `{name}` | {_takes(rules)} | {rules['description']} |" for name, rules in properties.items()]
    return _TABLE.sub(lambda found: found[1] + "\n".join(rows) + "\n" + found[2], README.read_text("utf-8"))


def _takes(rules: dict[str, Any]) -> str:
    if "enum" in rules:
        return ", ".join(f"`{str(one).lower() if one is False else one}`" for one in rules["enum"] if one is not None)
    kinds = [kind for kind in rules["type"] if kind != "null"] if isinstance(rules["type"], list) else [rules["type"]]
    least, most = (rules.get(f"{which}imum", rules.get(f"{which}Length")) for which in ("min", "max"))
    if least is None:
        named = {"array": "a list of texts", "object": "token ids and numbers", "null": "nothing"}
        return named.get(kinds[0], str(kinds[0]))
    unit = " characters" if kinds[0] == "string" else ""
    return f"{kinds[0]}, {least} to {most}{unit}" if most is not None else f"{kinds[0]}, {least} or more"


def _generate() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/GenerateRequest"}}}
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/GenerateResponse"}}}
    return {
        "operationId": "generate",
        "summary": "Continue a prompt",
        "parameters": [
            {
                "name": VARIANT_HEADER,
                "in": "header",
                "description": "The variant of the endpoint. Default: by the variants' weights.",
                "schema": {
                    "type": "string",
                    "pattern": f"^{VARIANT_NAME_PATTERN}$",
                    "maxLength": VARIANT_NAME_LENGTH,
                },
            }
        ],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {"description": "Cohere's answer.", "headers": _headers(), "content": answer},
            **{str(status): _problem(status) for status in _MEANING},
        },
    }


def _health() -> dict[str, Any]:
    status_schema = {"type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}}}
    return {
        "operationId": "health",
        "summary": "Whether the proxy runs; the model is not called",
        "responses": {
            "200": {"description": "It runs.", "content": {"application/json": {"schema": status_schema}}},
            **{str(status): _problem(status) for status in (403, 405, 429, 500)},
        },
    }


def _headers() -> dict[str, Any]:
    return {"x-request-id": {"description": "The id in the log.", "schema": {"type": "string"}}}


def _problem(status: int) -> dict[str, Any]:
    headers = _headers() if status != 403 else {}
    codes = [code for code, its in STATUS.items() if its == status]
    if set(codes) & set(RETRY_AFTER_SECONDS):
        headers["retry-after"] = {"description": "Seconds.", "schema": {"type": "integer"}}
    if status == 405:
        headers["allow"] = {"description": "The method.", "schema": {"type": "string"}}
    schema_of = {"$ref": "#/components/schemas/Error"} if codes else {"type": "object"}
    named = f" Codes: {', '.join(codes)}." if codes else ""
    content = {"application/json": {"schema": schema_of}}
    return {"description": _MEANING[status] + named, **({"headers": headers} if headers else {}), "content": content}


def _response() -> dict[str, Any]:
    generation = {
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": {"type": "string"},
            "id": {"type": "string"},
            "finish_reason": {"type": "string", "description": "Chat packages: COMPLETE, MAX_TOKENS and others."},
            "likelihood": {"type": "number", "description": "The mean log-likelihood of a token."},
            "token_likelihoods": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"token": {"type": "string"}, "likelihood": {"type": "number"}},
                },
            },
        },
    }
    return {
        "type": "object",
        "description": "The container's answer; further members pass as they are.",
        "required": ["generations"],
        "properties": {
            "id": {"type": "string"},
            "prompt": {"type": "string"},
            "generations": {"type": "array", "minItems": 1, "items": generation},
        },
    }


def _error() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["message", "id", "code"],
        "properties": {
            "message": {"type": "string", "description": "One sentence; it never repeats a value of the request."},
            "id": {"type": "string", "description": "The request's id in the log."},
            "code": {"enum": list(STATUS)},
        },
    }


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")
