"""A route's reader and translation, in front of the local cloud's stand-in containers."""

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

from proxy.routes.request import FieldReader
from proxy.routes.table import Route
from sagemaker_llm.models.catalog import entries

LIMITS = {"MAX_TOKENS": 1000, "MAX_GENERATIONS": 3, "MAX_PROMPT_CHARACTERS": 5000}

Container = Callable[[dict[str, Any]], dict[str, Any]]


def packages(api: str) -> list[str]:
    """Return the ids of the catalogue's packages that answer something."""
    return [package.id for package in entries() if package.api == api]


def translation(route: Route, api: str) -> Any:
    return import_module(f"proxy.dialects.{route.translations[api]}")


def read(route: Route, body: dict[str, Any]) -> dict[str, Any]:
    """Return a body's fields as the core hands them to a translation."""
    fields = FieldReader(route, LIMITS).read(json.dumps(body).encode())
    model = fields.pop("model", None)
    if route.dialect == "openai":
        fields["model"] = model or "cohere-test"
    if not fields.get("stream"):
        fields.pop("stream", None)
    return fields


def sent(route: Route, api: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the container gets."""
    return [json.loads(content) for content in translation(route, api).requests(read(route, body))]


def ask(route: Route, api: str, body: dict[str, Any], container: Container) -> dict[str, Any]:
    """Return the answer to a body."""
    fields, module = read(route, body), translation(route, api)
    answers = [json.dumps(container(json.loads(content))).encode() for content in module.requests(fields)]
    found: dict[str, Any] = json.loads(module.answer(answers, fields).body)
    return found
