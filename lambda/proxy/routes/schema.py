"""The JSON Schema files of request bodies, which are the only source of what a request may hold.

The proxy's checks (``checks.py``), the OpenAPI document, API Gateway's models and the reference are made of them. This
module imports nothing but the standard library: the construct library loads it by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = Path(__file__).parent / "schemas"
# A limit that an environment sets is named by the variable that holds it.
_LIMIT: Final = "x-limit"


def read(file: str, limits: Mapping[str, int]) -> dict[str, Any]:
    """Return the schema of a request, with an environment's limits in it and without references.

    Args:
        file: the schema's file, in ``schemas/``.
        limits: the number for each ``x-limit``.

    """
    schema: dict[str, Any] = json.loads(_content(file))
    definitions = schema.pop("$defs", {})
    filled: dict[str, Any] = _filled(schema, limits, definitions)
    return filled


def _filled(value: Any, limits: Mapping[str, int], definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_filled(one, limits, definitions) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return _filled({**definitions[name], **{k: v for k, v in value.items() if k != "$ref"}}, limits, definitions)
    rules = {name: _filled(one, limits, definitions) for name, one in value.items() if name != _LIMIT}
    if limit := value.get(_LIMIT):
        keyword = "maxLength" if "string" in rules["type"] else "maximum"
        rules[keyword] = min(limits[limit], rules.get(keyword, limits[limit]))
    return rules


@cache
def _content(file: str) -> str:
    return (_FOLDER / file).read_text("utf-8")
