"""docs/changes.md: what a change of each setting does, computed from the templates of before and after."""

import re
from typing import Any

import pytest

from endpointctl import changes
from endpointctl.prices.items import is_listed
from stacks.settings import Settings
from tests.support.rows import DEV, ROWS
from tests.support.templates import ROOT, changed, templates_of


def _found(before: dict[str, Any], after: dict[str, Any]) -> list[changes.Change]:
    old, new = templates_of(changed(DEV, before), "dev"), templates_of(changed(changed(DEV, before), after), "dev")
    # A stack that leaves the app stays where it is deployed.
    return [change for stack in new for change in changes.changes(old.get(stack, {}), new[stack])]


def _row(what: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    found = _found(before, after)
    cells = []
    for kind in ("Model", "EndpointConfig", "Endpoint"):
        effects = sorted({change.effect for change in found if change.type == f"AWS::SageMaker::{kind}"})
        cells.append(", ".join(effects) or "-")
    others: dict[str, set[str]] = {}
    for change in found:
        if not change.type.startswith("AWS::SageMaker::"):
            effect = "left in place" if change.retained else change.effect
            others.setdefault(effect, set()).add(change.type.removeprefix("AWS::").replace("::", " "))
    cells.append("; ".join(f"{effect}: {', '.join(sorted(kinds))}" for effect, kinds in sorted(others.items())) or "-")
    cells.append("**yes**" if changes.makes_new_fleet(found) else "no")
    losses = [f"{change.type.split('::')[2]}: {change.loss}" for change in found if change.loss]
    cells.append("; ".join(sorted(losses)) or "nothing")
    return f"| `{what.split(', ')[0]}`{what.partition(', ')[1]}{what.partition(', ')[2]} | {' | '.join(cells)} |"


def _table() -> list[str]:
    text = (ROOT / "docs" / "changes.md").read_text("utf-8")
    return [line for line in text.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_row_is_what_the_templates_say(row: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    assert _row(*row) in _table()


def test_the_table_has_no_other_row() -> None:
    assert len(_table()) == len(ROWS)


def test_every_setting_has_a_row() -> None:
    schema = Settings.model_json_schema()

    def keys(section: dict[str, Any], prefix: str = "") -> list[str]:
        found: list[str] = []
        for name, field in section["properties"].items():
            reference = field.get("$ref", "").rpartition("/")[2]
            found += keys(schema["$defs"][reference], f"{name}.") if reference else [prefix + name]
        return found

    written = {re.sub(r", .*", "", what) for what, _before, _after in ROWS}
    assert set(keys(schema)) == written | {"region"}  # another deployment, beside the old one


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_resource_that_a_setting_adds_is_priced(row: Any) -> None:
    """Or free for a reason: `endpointctl.prices` knows the type. The templates are those of the tests above."""
    after = templates_of(changed(changed(DEV, row[1]), row[2]), "dev")
    types = {one["Type"] for template in after.values() for one in template["Resources"].values()}
    assert {name for name in types if not is_listed(name)} == set()


DESTRUCTIVE = {"endpoint.name"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_no_setting_but_its_name_replaces_or_deletes_the_endpoint(row: Any) -> None:
    endpoint = [change for change in _found(row[1], row[2]) if change.type == changes.ENDPOINT]
    gone = any(change.effect in ("replaced", "deleted") for change in endpoint)
    assert gone == (row[0] in DESTRUCTIVE)
