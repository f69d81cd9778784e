"""Checks made of ``generate.schema.json``, which is the one source of what a request may hold.

The OpenAPI document, API Gateway's model and the reference are made of the same file. Of JSON Schema it uses a few
keywords only, which are compiled here: a validator library would be another 20 to 100 ms at each cold start, and would
repeat the caller's values in its messages. A test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

# A check returns the value as it is sent on, or raises Wrong with what is allowed.
Check: TypeAlias = Callable[[Any], Any]
_PATH: Final = Path(__file__).with_name("generate.schema.json")
# What an environment limits further has the name of the variable that says how far.
_LIMIT: Final = "x-limit"


class Wrong(Exception):
    """What is allowed instead."""


def read(limits: Mapping[str, int]) -> dict[str, Any]:
    """Return the schema of a request, with an environment's limits in it.

    Args:
        limits: the number for each ``x-limit``.

    """
    schema: dict[str, Any] = json.loads(_PATH.read_text("utf-8"))
    for rules in schema["properties"].values():
        name = rules.pop(_LIMIT, None)
        if name:
            keyword = "maxLength" if rules["type"] == "string" else "maximum"
            rules[keyword] = min(limits[name], rules.get(keyword, limits[name]))
    return schema


def limit_names() -> list[str]:
    """Return the name of each limit that ``read`` needs."""
    properties = json.loads(_PATH.read_text("utf-8"))["properties"]
    return [rules[_LIMIT] for rules in properties.values() if _LIMIT in rules]


def checks_of(schema: Mapping[str, Any]) -> dict[str, Check]:
    """Return the check of each field's value. A null is not checked: such a field counts as not given."""
    return {name: _check(rules) for name, rules in schema["properties"].items()}


def _check(rules: Mapping[str, Any]) -> Check:
    if "enum" in rules:
        return _one_of(rules)
    kinds = rules["type"] if isinstance(rules["type"], list) else [rules["type"]]
    kind = next((kind for kind in kinds if kind != "null"), "null")
    return _KINDS[kind](rules)


def _text(rules: Mapping[str, Any]) -> Check:
    least, most = rules.get("minLength", 0), rules.get("maxLength")
    allowed = "a text that is not empty" if most is None else f"a text of {least} to {most} characters"

    def check(value: Any) -> str:  # noqa: ANN401 - JSON
        if isinstance(value, str) and least <= len(value) and (most is None or len(value) <= most):
            return value
        raise Wrong(allowed)

    return check


def _number(rules: Mapping[str, Any], *, whole: bool = False) -> Check:
    least, most = rules.get("minimum", float("-inf")), rules.get("maximum", float("inf"))
    name = "an integer" if whole else "a number"
    allowed = f"{name} from {least} to {most}" if "minimum" in rules else name

    def check(value: Any) -> float:  # noqa: ANN401 - JSON
        # true is no number. 28.0 is an integer in JSON Schema, and is sent on as one.
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not least <= value <= most or (whole and value != int(value)):
            raise Wrong(allowed)
        return int(value) if whole else value

    return check


def _integer(rules: Mapping[str, Any]) -> Check:
    return _number(rules, whole=True)


def _list(rules: Mapping[str, Any]) -> Check:
    member = _check(rules["items"])

    def check(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
        try:
            if isinstance(value, list):
                return [member(one) for one in value]
        except Wrong:
            pass
        raise Wrong("a list of texts that are not empty")

    return check


def _map(rules: Mapping[str, Any]) -> Check:
    member = _check(rules["additionalProperties"])

    def check(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        try:
            if isinstance(value, dict):
                return {name: member(one) for name, one in value.items()}
        except Wrong:
            pass
        raise Wrong("an object of token ids and numbers")

    return check


def _one_of(rules: Mapping[str, Any]) -> Check:
    members = [one for one in rules["enum"] if one is not None]
    allowed = f"one of {', '.join(map(str, members))}" if len(members) > 1 else _only(members[0], rules)

    def check(value: Any) -> Any:  # noqa: ANN401 - JSON
        # By type too: 0 is not false.
        if any(value == one and type(value) is type(one) for one in members):
            return value
        raise Wrong(allowed)

    return check


def _absent(rules: Mapping[str, Any]) -> Check:
    allowed = f"left out: {_reason(rules)}"

    def check(_value: Any) -> Any:  # noqa: ANN401 - JSON
        raise Wrong(allowed)

    return check


def _only(value: Any, rules: Mapping[str, Any]) -> str:  # noqa: ANN401 - JSON
    return f"{json.dumps(value)} or left out: {_reason(rules)}"


def _reason(rules: Mapping[str, Any]) -> str:
    said: str = rules["description"]
    return said[0].lower() + said[1:].rstrip(".")


_KINDS: Final[dict[str, Callable[[Mapping[str, Any]], Check]]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "array": _list,
    "object": _map,
    "null": _absent,
}
