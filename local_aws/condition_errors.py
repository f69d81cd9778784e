"""What is wrong with conditions, in one line."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from pydantic import ValidationError


def problem(error: ValidationError, conditions: type, fault: type) -> str:
    """Return the first problem in one line: the key, its value, and what is allowed.

    Args:
        error: of a JSON text with conditions.
        conditions: the class of the conditions.
        fault: the class of one fault among them.

    """
    # A misspelt key is also a missing one: show the key that the text has.
    first = min(error.errors(include_url=False), key=lambda one: one["type"] != "unexpected_keyword_argument")
    kind, path = first["type"], [str(part) for part in first["loc"] if part != "[key]"]
    section: Any = conditions
    if path[:1] == ["faults"] and len(path) > 2:
        section, (key, *inner), shown = fault, path[2:], f"faults[{path[1]}].{path[2]}"
    else:
        (key, *inner), shown = path or [""], (path or [""])[0]
    shown += "".join(f"[{part}]" for part in inner)
    names = ", ".join(one.name for one in fields(section))
    if not path:
        return f"{first['msg']}; allowed: a JSON object with {names}"
    if kind == "unexpected_keyword_argument":
        return f"{shown}: unknown key; allowed: {names}"
    # Every field of both classes has a description.
    allowed = section.__pydantic_fields__[key].description
    if kind == "missing":
        return f"{shown}: missing; allowed: {allowed}"
    return f"{shown}: {json.dumps(first['input'])} is not allowed; allowed: {allowed}"
