"""The prompts of a sweep: one text, or a file of many."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

from endpointctl.failure import Failure
from endpointctl.refused import valid_unicode

_COLUMN = "prompt"
_LINE_END = re.compile(r"\r?\n")


def read(path: Path) -> dict[str, str]:
    """Return the prompts of a file by their ids.

    A ``.csv`` has the column ``prompt`` and optionally ``id``; a ``.jsonl`` has objects with the same members; any
    other file is text with one prompt a line. Lines end with LF or CR LF. The encoding is UTF-8, with or without a byte
    order mark. Default of ids: the row's number, from 1.

    Raises:
        Failure: it cannot be read, has a row without a prompt, or an id twice.

    """
    try:
        rows = _rows(path)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}: give a file of UTF-8 text") from None
    except UnicodeDecodeError as error:
        raise Failure(f"{path}: {error}: give a file of UTF-8 text") from None
    prompts: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        text, name = row.get(_COLUMN), str(row.get("id") or number)
        if not isinstance(text, str) or not text.strip():
            raise Failure(f"{path}: row {number} has no {_COLUMN}: fill it in, or take the row away")
        if name in prompts:
            raise Failure(f"{path}: the id {name!r} stands twice: give each prompt its own")
        prompts[name] = valid_unicode(text)
    if not prompts:
        raise Failure(f"{path}: holds no prompt: write at least one")
    return prompts


def _rows(path: Path) -> list[dict[str, object]]:
    text = path.read_bytes().decode("utf-8-sig")
    kind = path.suffix.lower()
    if kind == ".csv":
        return _table(path, text)
    # str.splitlines() would also split at characters that JSON and prose may hold, such as U+2028.
    lines = [line for line in _LINE_END.split(text) if line.strip()]
    if kind != ".jsonl":
        return [{_COLUMN: line} for line in lines]
    return [_object(path, number, line) for number, line in enumerate(lines, start=1)]


def _table(path: Path, text: str) -> list[dict[str, object]]:
    csv.field_size_limit(max(len(text), csv.field_size_limit()))
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        columns = reader.fieldnames or []
        if _COLUMN not in columns:
            names = ", ".join(columns) or "none"
            raise Failure(f"{path}: has no column {_COLUMN!r}; it has: {names}: name one of them {_COLUMN}")
        return [dict(row) for row in reader]
    except csv.Error as error:
        raise Failure(f"{path}: is not CSV: {error}") from None


def _object(path: Path, number: int, line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Failure(f'{path}: row {number} is no JSON object: write {{"prompt": "…"}}')
    return found
