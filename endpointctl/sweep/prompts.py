"""The prompts of a sweep: one text, or a file of many."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from endpointctl.failure import Failure

_COLUMN = "prompt"


def read(path: Path) -> dict[str, str]:
    """Return the prompts of a file by their ids.

    A ``.csv`` has the column ``prompt`` and maybe ``id``; a ``.jsonl`` has objects with the same members; any other is
    text with one prompt a line. Without ids they are numbered from 1.

    Raises:
        Failure: it cannot be read, has no prompt, or an id twice.

    """
    try:
        rows = _rows(path)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path}: {error}: give a file of UTF-8 text") from None
    prompts: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        text, name = row.get(_COLUMN), str(row.get("id") or number)
        if not isinstance(text, str) or not text.strip():
            raise Failure(f"{path}: row {number} has no {_COLUMN}: fill it in, or take the row away")
        if name in prompts:
            raise Failure(f"{path}: the id {name!r} stands twice: give each prompt its own")
        prompts[name] = text
    if not prompts:
        raise Failure(f"{path}: holds no prompt: write at least one")
    return prompts


def _rows(path: Path) -> list[dict[str, object]]:
    text = path.read_text("utf-8")
    if path.suffix == ".csv":
        reader = csv.DictReader(text.splitlines())
        columns = reader.fieldnames or []
        if _COLUMN not in columns:
            said = ", ".join(columns) or "none"
            raise Failure(f"{path}: has no column {_COLUMN!r}; it has: {said}: name one of them {_COLUMN}")
        return [dict(row) for row in reader]
    lines = [line for line in text.splitlines() if line.strip()]
    if path.suffix != ".jsonl":
        return [{_COLUMN: line} for line in lines]
    return [_object(path, number, line) for number, line in enumerate(lines, start=1)]


def _object(path: Path, number: int, line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Failure(f'{path}: row {number} is no JSON object: write {{"prompt": "…"}}')
    return found
