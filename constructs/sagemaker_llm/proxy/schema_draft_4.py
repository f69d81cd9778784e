"""What API Gateway checks of a request: the outline of its JSON Schema, in draft 4, as its models take it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_OF_VALUES: Final[dict[type, str]] = {str: "string", bool: "boolean", int: "number", float: "number"}


def draft_4(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outline of a schema of draft 2020-12: an object, what it requires, and each member's type and length.

    The rest is the proxy's, whose error names the field and what is allowed; API Gateway's could only say that the body
    does not fit, since its own words would repeat the caller's text. Members that the proxy refuses by name are left
    out. An integer becomes a number: in draft 4 ``28.0`` is no integer, and the API allows it.
    Source: docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html.
    """
    members = {name: _outline(rules) for name, rules in schema["properties"].items()}
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        **({"required": schema["required"]} if "required" in schema else {}),
        "properties": {name: rules for name, rules in members.items() if rules["type"] != "null"},
    }


def _outline(rules: Mapping[str, Any]) -> dict[str, Any]:
    kinds = list(dict.fromkeys(_kinds(rules)))
    length = {"maxLength": rules["maxLength"]} if "maxLength" in rules else {}
    return {"type": kinds[0] if len(kinds) == 1 else kinds, **length}


def _kinds(rules: Mapping[str, Any]) -> list[str]:
    if "anyOf" in rules:
        return [kind for one in rules["anyOf"] for kind in _kinds(one)]
    if "enum" in rules:
        return ["null" if one is None else _OF_VALUES[type(one)] for one in rules["enum"]]
    given = rules["type"]
    return ["number" if kind == "integer" else kind for kind in ([given] if isinstance(given, str) else given)]
