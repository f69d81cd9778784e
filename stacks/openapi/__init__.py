"""Writes docs/openapi.yaml and the reference in the proxy's README: ``make openapi``; a test keeps them fresh.

Both are generated from the proxy's own routes, schemas and table of errors, with an environment's default limits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from proxy.errors import STATUS
from proxy.routes.table import ROUTES
from sagemaker_llm import RequestLimits
from sagemaker_llm.proxy import gateway_responses, source
from stacks.openapi.operations import operation, problems
from stacks.openapi.reference import with_reference

ROOT = Path(__file__).parents[2]
PATH: Final = ROOT / "docs" / "openapi.yaml"
README: Final = ROOT / "lambda" / "proxy" / "README.md"
# What the routes answer, written by hand.
_ANSWERS: Final = Path(__file__).with_name("answers.yaml")
_HOSTS: Final = {
    "A Function URL": "https://{id}.lambda-url.{region}.on.aws",
    "A REST API": "https://{id}.execute-api.{region}.amazonaws.com/live",
}
_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "At a REST API with `access: bearer`."},
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "At a REST API with `access: api_keys`.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4, for the service `lambda` at a Function URL and for `execute-api` at a "
        "REST API with `access: iam`.",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
}


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        if route.schema:
            schema = source.request_schema(route, RequestLimits().by_name)
            del schema["$schema"]
            schemas[schema["title"]] = schema
        for path in route.paths:
            paths.setdefault(path, {})[route.method.lower()] = operation(route, path)
    schemas.update(yaml.safe_load(_ANSWERS.read_text("utf-8")))
    codes = dict.fromkeys([*STATUS, *(one.code for one in gateway_responses.RESPONSES)])
    schemas["Error"]["properties"]["code"]["enum"] = list(codes)
    variables = {"id": {"default": "id"}, "region": {"default": "us-east-1"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cohere's and OpenAI's APIs, in front of SageMaker endpoints",
            "version": "1",
            "description": "An environment has the routes that its models answer: `GET /v1/models` lists them. The "
            "limits are an environment's defaults; its file may set others.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {"url": url, "description": description, "variables": {name: {**one} for name, one in variables.items()}}
            for description, url in _HOSTS.items()
        ],
        "security": [{name: []} for name in _SECURITY],
        "paths": paths,
        "components": {"securitySchemes": _SECURITY, "responses": problems(), "schemas": schemas},
    }


def text() -> str:
    """Return the OpenAPI document's text."""
    dumped: str = yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return dumped


def readme() -> str:
    """Return the README's text with the reference of every route's fields in it."""
    return with_reference(README.read_text("utf-8"))


class _Dumper(yaml.SafeDumper):
    """Repeats what occurs several times: aliases are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's
        return True
