"""Writes the JSON Schema of the environment files, for editors. ``make settings``; a test keeps it fresh."""

from __future__ import annotations

import json

from stacks.settings import ENVIRONMENTS, Settings

PATH = ENVIRONMENTS / "schema.json"


def schema() -> str:
    """Return the schema's text."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(schema(), encoding="utf-8")
