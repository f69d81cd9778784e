"""Writes docs/settings.md, the reference of the environment files. ``make settings``; a test keeps it fresh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stacks.settings import ENVIRONMENTS, EnvironmentFile
from stacks.settings.errors import model_in

PATH: Final = ENVIRONMENTS.parent / "docs" / "settings.md"

_INTRODUCTION: Final = """\
# Settings

One file is one environment: `environments/<name>.yaml`. The file's name without its ending is the environment's name,
and every command accepts it. Copy `environments/dev.yaml`, give the endpoint another name, and change what you need.
Editors complete and check the file with [its JSON Schema](../environments/schema.json). A wrong value stops every
command before anything is deployed: the error names the file, the key, the value and what is allowed.

The tests synthesize and deploy the complete files in [docs/examples](examples). [What a change of each setting
does](changes.md) is a page of its own.

`make settings` generates this page from the classes in `stacks/settings/`.

## One file for what environments share

`extends: defaults/team.yaml` takes what the file itself does not give from another file, relative to its own folder.
That file may extend another in turn. All lie under `environments/`. Files in a folder of their own, e.g.
`environments/defaults/`, are no environments: they need not be complete, and have [a schema of their
own](../environments/base.schema.json). An environment may extend another environment.

- Sections, and what is given by name, such as `tags`, merge key by key.
- Lists and single values replace what the extended file has. `null` is such a value: it takes a value or a section away
  where the default is none, e.g. `vpc: null`; `instance_pools: []` takes a list away.

`endpointctl show --env <name>` prints the result and the file that each value came from. An error names that file too.
"""

# A default that depends on something else is a sentence of the description.
_DEFAULT: Final = re.compile(r"\s*Default: (.+?)\.(?= |$)")


def text() -> str:
    """Return the page's text."""
    return _INTRODUCTION + "".join(_section(EnvironmentFile, "", {}))


def _section(model: type[BaseModel], path: str, shown: dict[type[BaseModel], str]) -> Iterator[str]:
    """Yield the section of a model and those of the models in it.

    Args:
        model: the section's class.
        path: where it stands in a file; empty for the file itself.
        shown: the path of each class whose keys are on the page already, which this adds to.

    """
    base = next((one for one in model.__mro__[1:] if one in shown), None)
    fields = {name: field for name, field in model.model_fields.items() if not base or name not in base.model_fields}
    yield f"\n## `{path}`\n\n" if path else "\n## The file\n\n"
    yield f"{_summary(model)}\n\n"
    yield "| key | default | value | description |\n|---|---|---|---|\n"
    for name, field in fields.items():
        inner = model_in(field.annotation)
        heading = shown.get(inner, _place(_join(path, name), field)) if inner else ""
        yield _row(model, name, field, heading)
    if base:
        inherited = ", ".join(f"`{name}`" for name in base.model_fields)
        yield f"\nAnd the keys of `{shown[base]}` with the same defaults: {inherited}.\n"
    for one in model.__mro__:
        if path and one is not BaseModel and issubclass(one, BaseModel) and one.model_fields:
            shown.setdefault(one, path)
    for name, field in fields.items():
        inner = model_in(field.annotation)
        if inner and inner not in shown:
            yield from _section(inner, _place(_join(path, name), field), shown)


def _row(model: type[BaseModel], name: str, field: FieldInfo, heading: str) -> str:
    """Return the row of a key; ``heading`` is that of the section in it, if there is one."""
    inner = model_in(field.annotation)
    description, default = field.description or "", _default(field)
    if default == "none" and (found := _DEFAULT.search(description)):
        description, default = (description[: found.start()] + description[found.end() :]).strip(), found[1]
    if inner and not description:
        description = _summary(inner)
    value = _value(model.model_json_schema()["properties"][name], f"[section](#{_anchor(heading)})")
    cells = (f"`{name}`", default, value, description)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _default(field: FieldInfo) -> str:
    """Return the default as a file would have it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, BaseModel):
        return "its defaults"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _value(schema: dict[str, Any], section: str) -> str:
    """Return what a key takes, in words.

    Args:
        schema: the key's JSON Schema.
        section: what stands for a section of its own.

    """
    if "anyOf" in schema:
        return " or ".join(_value(one, section) for one in schema["anyOf"] if one.get("type") != "null")
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if values:
        return ", ".join(str(value) if isinstance(value, int) else f"`{value}`" for value in values)
    kind = str(schema.get("type", "section"))
    inner = [schema.get("items", {}), *schema.get("patternProperties", {}).values()]
    of = section if any("$ref" in one for one in inner) else "text"
    words = {
        "array": f"list: {of}{_bounds(schema, 'minItems', 'maxItems')}",
        "object": f"by name: {of}",
        "integer": f"integer{_bounds(schema, 'minimum', 'maximum')}",
        "number": f"number{_bounds(schema, 'minimum', 'maximum')}",
        "boolean": "`true`, `false`",
        "string": "text",
        "section": section,
    }
    return words[kind]


def _bounds(schema: dict[str, Any], least: str, most: str) -> str:
    lower, upper = schema.get(least), schema.get(most)
    above = schema.get("exclusiveMinimum")
    if above is not None:
        return f", above {above}" + (f", at most {upper}" if upper is not None else "")
    if lower is not None and upper is not None:
        return f", {lower} to {upper}"
    return f", at least {lower}" if lower is not None else f", at most {upper}" if upper is not None else ""


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _place(path: str, field: FieldInfo) -> str:
    """Return the heading of what lies in a key: a section, a list's items, or sections by name."""
    annotation = str(field.annotation)
    return path + ("[]" if "tuple[" in annotation else ".<name>" if "Mapping[" in annotation else "")


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w-]", "", heading.lower())


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
