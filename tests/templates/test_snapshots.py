"""The change alarm: every environment's templates, whole. `make snapshots` writes them anew; read the difference."""

import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from stacks import settings

STACKS = [f"{environment}-{stack}" for environment in settings.names() for stack in ("endpoint", "proxy")]
ASSET = re.compile(r"[0-9a-f]{64}")


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def _masked(value: Any) -> Any:
    """Hide the hash of the proxy's source, which changes with every line of it; everything else stays exact."""
    if isinstance(value, dict):
        return {key: _masked(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_masked(member) for member in value]
    return ASSET.sub("<asset>", value) if isinstance(value, str) else value


@pytest.mark.parametrize("stack", STACKS)
def test_template(stack: str, templates: dict[str, dict[str, Any]], snapshot: SnapshotAssertion) -> None:
    environment, name = stack.split("-")
    found = [t for key, t in templates.items() if key.startswith(f"{environment}/{environment}{name}")]
    assert len(found) == 1
    assert _masked(found[0]) == snapshot
