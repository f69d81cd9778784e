"""A JSON Schema as API Gateway's models take it: draft 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_DROPPED: Final = ("$schema", "title", "description")


def draft_4(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema of draft 2020-12 in draft 4, without titles and descriptions.

    An integer becomes a number: in draft 4 ``28.0`` is no integer, and the API allows it; the proxy checks again. A
    null among the values of an enumeration is written as a type, because the CDK drops it.
    Source: docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html.
    """
    return {"$schema": "http://json-schema.org/draft-04/schema#", **_converted(schema)}


def _converted(schema: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _DROPPED:
            continue
        if keyword == "type":
            found[keyword] = [_type(kind) for kind in value] if isinstance(value, list) else _type(value)
        elif keyword == "enum" and None in value:
            members = [one for one in value if one is not None]
            found["anyOf"] = [{"enum": members}, {"type": "null"}]
        elif keyword == "properties":
            found[keyword] = {name: _converted(rules) for name, rules in value.items()}
        elif keyword == "anyOf":
            found[keyword] = [_converted(one) for one in value]
        elif isinstance(value, dict):
            found[keyword] = _converted(value)
        else:
            found[keyword] = value
    return found


def _type(name: str) -> str:
    return "number" if name == "integer" else name
