"""The reference in the proxy's README: the fields of every route."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from proxy.routes.table import ROUTES, Route
from sagemaker_llm import RequestLimits
from sagemaker_llm.proxy import source

_MARKED: Final = re.compile(r"(<!-- fields -->\n).*?(<!-- /fields -->)", re.DOTALL)
_PLURALS: Final = {"string": "texts", "object": "objects", "number": "numbers", "integer": "integers"}


def with_reference(readme: str) -> str:
    """Return the README's text with the reference in it."""
    sections = "\n".join(_section(route) for route in ROUTES if route.schema)
    return _MARKED.sub(lambda found: f"{found[1]}{sections}{found[2]}", readme)


def _section(route: Route) -> str:
    properties = source.request_schema(route, RequestLimits().by_name)["properties"]
    heading = ", ".join(f"`{path}`" for path in route.paths)
    rows = [f"| `{name}` | {takes(rules)} | {rules['description']} |" for name, rules in properties.items()]
    return "\n".join([f"### {heading}", "", "| field | takes | |", "|---|---|---|", *rows, ""])


def takes(rules: dict[str, Any]) -> str:
    """Return what a field takes, in a few words.

    Args:
        rules: its schema.

    """
    if "enum" in rules:
        return ", ".join(
            f"`{one if isinstance(one, str) else json.dumps(one)}`" for one in rules["enum"] if one is not None
        )
    if "anyOf" in rules:
        return " or ".join(_in_a_list(takes(one)) for one in rules["anyOf"] if one.get("type") != "null")
    kind = _kind(rules)
    if kind == "array":
        return _list(rules)
    if kind in ("string", "integer", "number"):
        return f"{kind}{_range(rules)}"
    return "nothing" if kind == "null" else kind


def _in_a_list(text: str) -> str:
    """Return an alternative with its limits in parentheses."""
    kind, comma, limits = text.partition(", ")
    return f"{kind} ({limits})" if comma and not kind.startswith("`") else text


def _kind(rules: dict[str, Any]) -> str:
    given = rules.get("type", "object")
    kinds = given if isinstance(given, list) else [given]
    return str(next((one for one in kinds if one != "null"), "null"))


def _list(rules: dict[str, Any]) -> str:
    items = rules["items"]
    members = [one for one in items.get("anyOf", [items]) if "enum" not in one]
    plurals = dict.fromkeys(_PLURALS[_kind(one)] for one in members)
    if not plurals:
        return f"list of {takes(items)}"
    return f"list of {' or '.join(plurals)}{_range(rules, 'Items')}"


def _range(rules: dict[str, Any], suffix: str = "") -> str:
    """Return the limits of a number, or of a length."""
    suffix = suffix or ("Length" if "minLength" in rules or "maxLength" in rules else "imum")
    least, most = rules.get(f"min{suffix}"), rules.get(f"max{suffix}")
    unit = " characters" if suffix == "Length" else ""
    if most is None:
        return "" if least is None else f", {least} or more{unit}"
    return f", {least}{unit}" if least == most else f", {least or 0} to {most}{unit}"
