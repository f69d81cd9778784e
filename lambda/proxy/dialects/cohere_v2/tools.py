"""Tools of chat v2, whose parameters are JSON Schemas, as chat v1 has them: each parameter with a type of Python's.

Source: docs.cohere.com, API v1, "Parameter types in tool use", which writes enums and defaults into the description.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from proxy.dialects.cohere_v2.messages import V1
from proxy.errors import ProxyError
from proxy.routes.request import invalid

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPES: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "List",
    "object": "Dict",
}
# They describe the schema, not the value: chat v1 has no place for them.
_ANNOTATIONS: Final = ("$schema", "$id", "$comment", "title")
_OF_A_TOOL: Final = ("type", "properties", "required", "description", "additionalProperties")
_OF_A_TYPE: Final = ("type", "anyOf", "items", "additionalProperties")
_OF_A_PARAMETER: Final = (*_OF_A_TYPE, "description", "enum", "const", "default")
_NAMES_RULE: Final = "must hold only letters, digits and _, with no digit first"


def tools(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tools of chat v1.

    Raises:
        ProxyError: ``invalid_field`` for what chat v1 cannot say. It names a parameter by its number, since its name is
            a text of the caller's.

    """
    try:
        return [_tool(one["function"], f"tools[{number}].function") for number, one in enumerate(given)]
    except RecursionError:
        raise invalid("tools", "must be nested less deeply") from None


def _tool(function: dict[str, Any], place: str) -> dict[str, Any]:
    name, rules = function["name"], function.get("parameters", {})
    if not _NAME.fullmatch(name):
        raise invalid(f"{place}.name", f"{_NAMES_RULE}: {V1}")
    place = f"{place}.parameters"
    _check(rules, _OF_A_TOOL, place, "the schema")
    properties, required = rules.get("properties", {}), rules.get("required", [])
    if rules.get("type", "object") != "object" or not isinstance(properties, dict) or not isinstance(required, list):
        raise invalid(place, "must be the JSON Schema of an object")
    if not isinstance(rules.get("additionalProperties", False), bool):
        raise invalid(place, f"additionalProperties must be true, false or left out: {V1}")
    if not all(isinstance(one, str) and one in properties for one in required):
        raise invalid(place, "required must name properties")
    # Chat v1 wants a description.
    texts = [text for text in (function.get("description"), rules.get("description")) if text]
    tool: dict[str, Any] = {"name": name, "description": "\n".join(texts) or name}
    if properties:
        tool["parameter_definitions"] = {
            one: _parameter(one, schema, one in required, place, f"property {number}")
            for number, (one, schema) in enumerate(properties.items(), 1)
        }
    return tool


def _parameter(name: str, rules: Any, required: bool, place: str, what: str) -> dict[str, Any]:  # noqa: ANN401 - JSON
    if not _NAME.fullmatch(name):
        raise invalid(place, f"{what}: its name {_NAMES_RULE}: {V1}")
    _check(rules, _OF_A_PARAMETER, place, what)
    texts = [rules["description"]] if rules.get("description") else []
    values = rules.get("enum", [rules["const"]] if "const" in rules else [])
    if values:
        texts.append(f"Possible enum values: {', '.join(map(_written, values))}.")
    if "default" in rules:
        texts.append(f"The default value is: {_written(rules['default'])}.")
    found: dict[str, Any] = {"type": _type({k: rules[k] for k in _OF_A_TYPE if k in rules}, place, what)}
    found["required"] = required
    if texts:
        found["description"] = " ".join(texts)
    return found


def _type(rules: Any, place: str, what: str) -> str:  # noqa: ANN401 - JSON
    """Return the type as Python writes it, e.g. ``List[str]`` or ``Optional[int]``."""
    _check(rules, _OF_A_TYPE, place, what)
    if "anyOf" in rules and len(rules) == 1 and isinstance(rules["anyOf"], list):
        kinds = ["null" if one == {"type": "null"} else _type(one, place, what) for one in rules["anyOf"]]
    else:
        given = rules.get("type")
        kinds = [_simple(one, rules, place, what) for one in (given if isinstance(given, list) else [given])]
    types = [one for one in dict.fromkeys(kinds) if one != "null"]
    if not types:
        raise _refusal(place, f"{what} must have a type")
    found = types[0] if len(types) == 1 else f"Union[{', '.join(types)}]"
    return f"Optional[{found}]" if "null" in kinds else found


def _simple(kind: Any, rules: dict[str, Any], place: str, what: str) -> str:  # noqa: ANN401 - JSON
    if kind == "null":
        return "null"
    if not isinstance(kind, str) or kind not in _TYPES:
        raise _refusal(place, f"{what} must have a type: {', '.join(_TYPES)}")
    if kind == "array" and "items" in rules:
        return f"List[{_type(rules['items'], place, what)}]"
    more = rules.get("additionalProperties")
    if kind == "object" and isinstance(more, dict):
        return f"Dict[str, {_type(more, place, what)}]"
    return _TYPES[kind]


def _check(rules: Any, known: tuple[str, ...], place: str, what: str) -> None:  # noqa: ANN401 - JSON
    """Refuse every keyword that would be lost."""
    if not isinstance(rules, dict):
        raise _refusal(place, f"{what} must be an object")
    if not isinstance(rules.get("description", ""), str) or not isinstance(rules.get("enum", []), list):
        raise _refusal(place, f"{what} must have a text as description and a list as enum")
    for keyword in rules:
        if keyword not in known and keyword not in _ANNOTATIONS:
            raise _refusal(
                place,
                f"{what} may have {', '.join(known)}, and no other keyword; write other rules into a description",
            )


def _refusal(place: str, problem: str) -> ProxyError:
    return invalid(place, f"{problem}: {V1}")


def _written(value: Any) -> str:  # noqa: ANN401 - JSON
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
