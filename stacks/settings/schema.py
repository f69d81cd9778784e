"""Writes the JSON Schemas of the environment files, for editors. ``make settings``; a test keeps them fresh.

``schema.json`` is for the environments, ``base.schema.json`` for what they extend, which need not be complete.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

from stacks.settings import ENVIRONMENTS, EnvironmentFile, files

PATH: Final = ENVIRONMENTS / "schema.json"
BASE_PATH: Final = ENVIRONMENTS / "base.schema.json"
_DIALECT: Final = {"$schema": "https://json-schema.org/draft/2020-12/schema"}

_Node: TypeAlias = dict[str, Any]


def schema() -> str:
    """Return the schema of an environment: a file that extends another may leave out what that one has."""
    document = EnvironmentFile.model_json_schema()
    sections = document.pop("$defs")
    complete = _requirements(document, sections)
    for section in [document, *_merged(document, sections)]:
        section.pop("required", None)
    extends = {"properties": {files.KEY: {"type": "string"}}, "required": [files.KEY]}
    sections |= {"Partial": document, "Complete": complete}
    root = {"$ref": "#/$defs/Partial", "if": extends, "else": {"$ref": "#/$defs/Complete"}, "$defs": sections}
    return _text(root)


def base_schema() -> str:
    """Return the schema of a file that others extend."""
    return _text({"$ref": f"{PATH.name}#/$defs/Partial"})


def written() -> dict[Path, str]:
    """Return the text of each file."""
    return {PATH: schema(), BASE_PATH: base_schema()}


def _requirements(node: _Node, sections: _Node) -> _Node:
    """Return a schema of nothing but the keys that a section and those in it must have once all is merged."""
    found = {"required": node["required"]} if "required" in node else {}
    for name, inner in _inner(node, sections).items():
        for key, one in inner.items():
            if wanted := _requirements(one, sections):
                found.setdefault(name, {})[key] = wanted
    return found


def _merged(node: _Node, sections: _Node) -> Iterator[_Node]:
    """Yield the sections in a section; not those in lists, which are replaced as a whole."""
    for inner in _inner(node, sections).values():
        for one in inner.values():
            yield one
            yield from _merged(one, sections)


def _inner(node: _Node, sections: _Node) -> dict[str, dict[str, _Node]]:
    """Return the sections in a section: by their key, or by a pattern of the names that a user chooses."""
    found: dict[str, dict[str, _Node]] = {}
    for name in ("properties", "patternProperties"):
        for key, value in node.get(name, {}).items():
            for one in (value, *value.get("anyOf", ())):
                if "$ref" in one:
                    found.setdefault(name, {})[key] = sections[one["$ref"].rpartition("/")[2]]
                elif "patternProperties" in one:
                    found.setdefault(name, {})[key] = one
    return found


def _text(document: _Node) -> str:
    return json.dumps({**_DIALECT, **document}, indent=2) + "\n"


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
