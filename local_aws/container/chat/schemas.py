"""Values that fit a JSON Schema, made from the words and numbers of a question.

Source: docs.cohere.com, "Structured Outputs": what a schema must have, and which keywords count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from local_aws.container.chat import fields
from local_aws.container.contract import Refused

_FORMATS: Final = {
    "date-time": "2025-01-31T12:00:00Z",
    "date": "2025-01-31",
    "time": "12:00:00Z",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_RESPONSE_FORMATS: Final = ("text", "json_object")
_MOST_ITEMS: Final = 100
_DEEPEST: Final = 8
"""A schema that refers to itself ends here, with null."""

_PYTHON_TYPES: Final = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "none": "null",
}
_QUOTED: Final = re.compile(r"[\"'“]([^\"'”]+)[\"'”]")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_WORD: Final = re.compile(r"[^\W\d_][\w-]*")


def of_response_format(document: dict[str, Any], name: str, *, grounded: Sequence[str]) -> dict[str, Any] | None:
    """Return the schema of a structured answer; empty for any object, None for a text.

    Args:
        document: the request's body.
        name: the schema's name in ``response_format``.
        grounded: the fields with which an answer cannot be structured.

    Raises:
        Refused: 400 for a value that is not allowed, 422 for a wrong type.

    """
    given = fields.inner(document, "response_format")
    kind = fields.choice(given, "type", _RESPONSE_FORMATS, shown="response_format.type")
    schema = given.get(name)
    if kind != "json_object":
        if schema is not None:
            raise Refused(400, f"invalid request: response_format.{name} needs the type json_object")
        return None
    if wrong := [one for one in grounded if document.get(one)]:
        raise Refused(400, f"invalid request: response_format is not supported with {wrong[0]}")
    if schema is None:
        return {}
    _check(schema, f"response_format.{name}")
    return dict(schema)


def _check(schema: Any, name: str) -> None:  # noqa: ANN401 - JSON
    """Refuse a schema that Cohere's documentation does not allow for a structured answer."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise Refused(400, f"invalid request: the type of {name} must be object")
    _check_objects(schema, name)


def _check_objects(schema: Any, name: str) -> None:  # noqa: ANN401 - JSON
    if isinstance(schema, list):
        for one in schema:
            _check_objects(one, name)
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    if schema.get("type") == "object" and isinstance(properties, dict) and not schema.get("required"):
        raise Refused(400, f"invalid request: every object in {name} must have at least one required field")
    for key, one in schema.items():
        _check_objects(list(one.values()) if key == "properties" and isinstance(one, dict) else one, name)


def of_python_types(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a tool's ``parameter_definitions``, whose types are Python's."""
    properties = {name: _of_python_type(str(one.get("type", "str"))) for name, one in definitions.items()}
    required = [name for name, one in definitions.items() if one.get("required")]
    return {"type": "object", "properties": properties, "required": required}


def _of_python_type(name: str) -> dict[str, Any]:
    outer, _, rest = name.replace(" ", "").lower().partition("[")
    kind = _PYTHON_TYPES.get(outer, outer if outer in _PYTHON_TYPES.values() else "string")
    return {"type": kind, "items": _of_python_type(rest[:-1])} if kind == "array" and rest else {"type": kind}


def value(schema: Any, question: str, root: Any = None, depth: int = 0) -> Any:  # noqa: ANN401 - JSON
    """Return a value that fits a schema. ``pattern``, lengths and combinations other than the first are not obeyed.

    Args:
        schema: the schema; what is not an object allows everything.
        question: the text from which words and numbers are taken.
        root: the schema that references point into; default this one.
        depth: how many schemas are around this one.

    """
    root = schema if root is None else root
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None if depth > _DEEPEST else _string({}, question)
    if "$ref" in schema:
        return value(_referred(str(schema["$ref"]), root), question, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if isinstance(options := schema.get("enum"), list) and options:
        return next((one for one in options if str(one).lower() in question.lower()), options[0])
    for name in ("anyOf", "oneOf", "allOf"):
        if isinstance(ways := schema.get(name), list) and ways:
            return value(ways[0], question, root, depth + 1)
    return _of_type(schema, question, root, depth)


def _of_type(schema: Mapping[str, Any], question: str, root: Any, depth: int) -> Any:  # noqa: ANN401 - JSON
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        properties = schema.get("properties")
        known = properties if isinstance(properties, dict) else {}
        return {name: value(one, question, root, depth + 1) for name, one in known.items()}
    if kind == "array":
        least = schema.get("minItems")
        items = min(least, _MOST_ITEMS) if isinstance(least, int) else 1
        return [value(schema.get("items"), question, root, depth + 1)] * items
    if kind in ("integer", "number"):
        return _number(schema, question, kind)
    return {"boolean": True, "null": None}.get(kind, _string(schema, question))


def _referred(reference: str, root: Any) -> Any:  # noqa: ANN401 - JSON
    found = root
    for part in filter(None, reference.removeprefix("#").split("/")):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _number(schema: Mapping[str, Any], question: str, kind: str) -> float:
    found = _NUMBER.search(question)
    number = float(found[0]) if found else 1.0
    low, high = schema.get("minimum"), schema.get("maximum")
    number = max(number, low) if isinstance(low, (int, float)) else number
    number = min(number, high) if isinstance(high, (int, float)) else number
    return int(number) if kind == "integer" else number


def _string(schema: Mapping[str, Any], question: str) -> str:
    """Return a quoted part of the question, else its last word with a capital that is not its first, else its last."""
    if known := _FORMATS.get(str(schema.get("format"))):
        return known
    if quoted := _QUOTED.search(question):
        return quoted[1]
    words: list[str] = _WORD.findall(question) or ["none"]
    return next((word for word in reversed(words[1:]) if word[0].isupper()), words[-1])
