"""Checks of request bodies, made of JSON Schema files, which are the only source of what a request may hold.

The OpenAPI document, API Gateway's models and the reference are made of the same files. They use a few keywords of JSON
Schema only, which are compiled here: a validator library adds 20 to 100 ms to each cold start, and repeats the caller's
values in its messages. A test compares the two. This module imports nothing but the standard library: the construct
library loads it by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

# A check returns the value to send, or raises ValueRefused with what is allowed.
Check: TypeAlias = Callable[[Any], Any]
_FOLDER: Final = Path(__file__).parent
# A limit that an environment sets is named by the variable that holds it.
_LIMIT: Final = "x-limit"


class ValueRefused(Exception):
    """A value is refused; the text says what is allowed instead."""


def read(file: str, limits: Mapping[str, int]) -> dict[str, Any]:
    """Return the schema of a request, with an environment's limits in it.

    Args:
        file: the schema's file, beside this one.
        limits: the number for each ``x-limit``.

    """
    schema: dict[str, Any] = json.loads(_content(file))
    for rules in schema["properties"].values():
        name = rules.pop(_LIMIT, None)
        if name:
            keyword = "maxLength" if rules["type"] == "string" else "maximum"
            rules[keyword] = min(limits[name], rules.get(keyword, limits[name]))
    return schema


def limit_names(file: str) -> list[str]:
    """Return the name of each limit that ``read`` needs."""
    properties = json.loads(_content(file))["properties"]
    return [rules[_LIMIT] for rules in properties.values() if _LIMIT in rules]


@cache
def _content(file: str) -> str:
    return (_FOLDER / file).read_text("utf-8")


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
    low, high = rules.get("minLength", 0), rules.get("maxLength")
    allowed = "a text that is not empty" if high is None else f"a text of {low} to {high} characters"

    def check(value: Any) -> str:  # noqa: ANN401 - JSON
        if isinstance(value, str) and low <= len(value) and (high is None or len(value) <= high):
            return value
        raise ValueRefused(allowed)

    return check


def _number(rules: Mapping[str, Any], *, whole: bool = False) -> Check:
    low, high = rules.get("minimum", float("-inf")), rules.get("maximum", float("inf"))
    name = "an integer" if whole else "a number"
    allowed = f"{name} from {low} to {high}" if "minimum" in rules else name

    def check(value: Any) -> float:  # noqa: ANN401 - JSON
        # true is no number. 28.0 is an integer in JSON Schema, and is sent on as one.
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high or (whole and value != int(value)):
            raise ValueRefused(allowed)
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
        except ValueRefused:
            pass
        raise ValueRefused("a list of texts that are not empty")

    return check


def _map(rules: Mapping[str, Any]) -> Check:
    member = _check(rules["additionalProperties"])

    def check(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        try:
            if isinstance(value, dict):
                return {name: member(one) for name, one in value.items()}
        except ValueRefused:
            pass
        raise ValueRefused("an object of token ids and numbers")

    return check


def _one_of(rules: Mapping[str, Any]) -> Check:
    members = [one for one in rules["enum"] if one is not None]
    allowed = f"one of {', '.join(map(str, members))}" if len(members) > 1 else _only(members[0], rules)

    def check(value: Any) -> Any:  # noqa: ANN401 - JSON
        # By type too: 0 is not false.
        if any(value == one and type(value) is type(one) for one in members):
            return value
        raise ValueRefused(allowed)

    return check


def _absent(rules: Mapping[str, Any]) -> Check:
    allowed = f"left out: {_reason(rules)}"

    def check(_value: Any) -> Any:  # noqa: ANN401 - JSON
        raise ValueRefused(allowed)

    return check


def _only(value: Any, rules: Mapping[str, Any]) -> str:  # noqa: ANN401 - JSON
    return f"{json.dumps(value)} or left out: {_reason(rules)}"


def _reason(rules: Mapping[str, Any]) -> str:
    description: str = rules["description"]
    return description[0].lower() + description[1:].rstrip(".")


_KINDS: Final[dict[str, Callable[[Mapping[str, Any]], Check]]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "array": _list,
    "object": _map,
    "null": _absent,
}
