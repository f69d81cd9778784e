"""Checks of request bodies, compiled of the schemas' few keywords of JSON Schema.

A validator library adds 20 to 100 ms to each cold start, and repeats the caller's values in its messages. A test
compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from proxy.routes.refused import ValueRefused, missing, unknown, wrong

# A check returns the value to send, or raises ValueRefused with what is allowed.
Check: TypeAlias = Callable[[Any], Any]
Rules: TypeAlias = Mapping[str, Any]


def check_of(schema: Rules) -> Check:
    """Return the check of a whole body; see ``ValueRefused``."""
    return _check(schema)


def _check(rules: Rules) -> Check:
    kinds = [kind for kind in _kinds(rules) if kind != "null"]
    if "enum" in rules:
        return _one_of(rules)
    if "anyOf" in rules:
        return _any_of(rules)
    return _KINDS[kinds[0] if kinds else "null"](rules)


def _kinds(rules: Rules) -> list[str]:
    kind = rules.get("type", [])
    return kind if isinstance(kind, list) else [kind]


def _takes_null(rules: Rules) -> bool:
    return "null" in _kinds(rules) or None in rules.get("enum", ()) or any(map(_takes_null, rules.get("anyOf", ())))


def _text(rules: Rules) -> Check:
    low, high = rules.get("minLength", 0), rules.get("maxLength")
    allowed = "a text"
    if high is not None:
        allowed = f"a text of {low} to {high} characters"
    elif low:
        allowed = "a text that is not empty"

    def check(value: Any) -> str:  # noqa: ANN401 - JSON
        if isinstance(value, str) and low <= len(value) and (high is None or len(value) <= high):
            return value
        raise wrong(allowed)

    return check


def _number(rules: Rules, *, whole: bool = False) -> Check:
    low, high = rules.get("minimum", float("-inf")), rules.get("maximum", float("inf"))
    name = "an integer" if whole else "a number"
    allowed = f"{name} from {low} to {high}" if "minimum" in rules and "maximum" in rules else name
    if "minimum" in rules and "maximum" not in rules:
        allowed = f"{name} of {low} or more"

    def check(value: Any) -> float:  # noqa: ANN401 - JSON
        # true is no number. 28.0 is an integer in JSON Schema, and is sent on as one.
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high or (whole and value != int(value)):
            raise wrong(allowed)
        return int(value) if whole else value

    return check


def _integer(rules: Rules) -> Check:
    return _number(rules, whole=True)


def _boolean(_rules: Rules) -> Check:
    def check(value: Any) -> bool:  # noqa: ANN401 - JSON
        if isinstance(value, bool):
            return value
        raise wrong("true or false")

    return check


def _list(rules: Rules) -> Check:
    member = _check(rules["items"])
    low, high = rules.get("minItems", 0), rules.get("maxItems")
    allowed = "a list" if high is None and not low else f"a list of {low} or more"
    if high is not None:
        allowed = f"a list of {low} to {high}"

    def check(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
        if not isinstance(value, list) or len(value) < low or (high is not None and len(value) > high):
            raise wrong(allowed)
        found = []
        for number, one in enumerate(value):
            try:
                found.append(member(one))
            except ValueRefused as refused:
                raise refused.below(number) from None
        return found

    return check


def _object(rules: Rules) -> Check:
    checks = {name: _check(one) for name, one in rules.get("properties", {}).items()}
    nullable = {name for name, one in rules.get("properties", {}).items() if _takes_null(one)}
    required = rules.get("required", ())
    more = rules.get("additionalProperties", True)
    other = _check(more) if isinstance(more, dict) else None

    def check(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        if not isinstance(value, dict):
            raise wrong("an object")
        found: dict[str, Any] = {}
        for name, one in value.items():
            # A member that is null counts as not given.
            if one is None and name in nullable:
                continue
            known = checks.get(name, other)
            if known is None and more is False:
                raise unknown(name, list(checks))
            try:
                found[name] = known(one) if known else one
            except ValueRefused as refused:
                raise (refused.below(name) if name in checks else refused) from None
        for name in required:
            if name not in found:
                raise missing().below(name)
        return found

    return check


def _any_of(rules: Rules) -> Check:
    """Return the check of alternatives: objects are told apart by a member with one value, as ``role`` or ``type``."""
    alternatives = [one for one in rules["anyOf"] if one.get("type") != "null"]
    tag = _tag_of(alternatives)
    if tag:
        by_tag = {value: _check(one) for one in alternatives for value in one["properties"][tag]["enum"]}
        allowed = f"one of {', '.join(by_tag)}"

        def check_tagged(value: Any) -> Any:  # noqa: ANN401 - JSON
            if not isinstance(value, dict):
                raise wrong("an object")
            given = value.get(tag)
            chosen = by_tag.get(given) if isinstance(given, str) else None
            if chosen is None:
                raise (wrong(allowed) if tag in value else missing()).below(tag)
            return chosen(value)

        return check_tagged
    # At most one of each type: the value's type decides, so that the message is that of the right alternative.
    by_kind = {kind: _check(one) for one in alternatives for kind in _json_kinds(one)}
    allowed = " or ".join(dict.fromkeys(_allowed(one) for one in alternatives))

    def check_kind(value: Any) -> Any:  # noqa: ANN401 - JSON
        chosen = by_kind.get(_KIND_OF.get(type(value), "null"))
        if chosen is None:
            raise wrong(allowed)
        return chosen(value)

    return check_kind


def _tag_of(alternatives: list[Rules]) -> str | None:
    if not all("properties" in one for one in alternatives):
        return None
    shared = set.intersection(*(set(one["properties"]) for one in alternatives))
    return next((name for name in ("role", "type") if name in shared), None)


def _json_kinds(rules: Rules) -> list[str]:
    if "enum" in rules:
        return list({_KIND_OF[type(one)] for one in rules["enum"]})
    kinds = _kinds(rules)
    # 28 is a number, and 28.0 an integer.
    return [*kinds, "number", "integer"] if {"number", "integer"} & set(kinds) else kinds


def _allowed(rules: Rules) -> str:
    """Return what an alternative takes, in a few words."""
    if "enum" in rules:
        return _named(rules["enum"])
    return _ARTICLES[_kinds(rules)[0]]


_KIND_OF: Final[dict[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
}
_ARTICLES: Final = {
    "string": "a text",
    "boolean": "true or false",
    "integer": "an integer",
    "number": "a number",
    "array": "a list",
    "object": "an object",
}


def _named(members: list[Any]) -> str:
    return ", ".join(one if one and isinstance(one, str) else json.dumps(one) for one in members)


def _one_of(rules: Rules) -> Check:
    members = [one for one in rules["enum"] if one is not None]
    allowed = f"one of {_named(members)}" if len(members) > 1 else _named(members)
    if len(members) == 1 and _takes_null(rules):
        allowed = f"{allowed} or left out: {_reason(rules)}"

    def check(value: Any) -> Any:  # noqa: ANN401 - JSON
        # By type too: 0 is not false.
        if any(value == one and type(value) is type(one) for one in members):
            return value
        raise wrong(allowed)

    return check


def _absent(rules: Rules) -> Check:
    def check(_value: Any) -> Any:  # noqa: ANN401 - JSON
        raise wrong(f"left out: {_reason(rules)}")

    return check


def _reason(rules: Rules) -> str:
    description: str = rules["description"]
    return description[0].lower() + description[1:].rstrip(".")


_KINDS: Final[dict[str, Callable[[Rules], Check]]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "array": _list,
    "object": _object,
    "null": _absent,
}
