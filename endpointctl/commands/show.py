"""``endpointctl show``: an environment's settings, and the file that each value came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from endpointctl.output import show, show_table
from stacks import settings
from stacks.settings import files

_DEFAULT = "default"


def show_settings(
    env: Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")] = "dev",
    as_json: Annotated[bool, typer.Option("--json", help="Print settings and origins as JSON.")] = False,
) -> None:
    """Show an environment's settings, and the file that each value came from; offline.

    With --json: `settings` has all values, `origins` the file of each one that a file gives, by its path.
    """
    values = settings.read(env).model_dump(mode="json")
    merged = files.read(settings.ENVIRONMENTS / f"{env}.yaml")
    rows = [(key, value, merged.origin(key)) for key, value in _values(values)]
    if as_json:
        origins = {key: file.name for key, _, file in rows if file}
        names = [file.name for file in merged.files]
        document = {"environment": env, "files": names, "settings": values, "origins": origins}
        show(json.dumps(document, indent=2, ensure_ascii=False))
        return
    table = Table("setting", "value", "from", box=SIMPLE)
    for key, value, file in rows:
        text = value if isinstance(value, str) else "none" if value is None else json.dumps(value, ensure_ascii=False)
        table.add_row(Text(key), Text(text), Text(file.name if file else _DEFAULT), style=None if file else "dim")
    show_table(table, width=200)


def _values(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and the value of every setting; a list is one value, and so is a section without any key."""
    for key, value in section.items():
        if isinstance(value, Mapping) and value:
            yield from _values(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
