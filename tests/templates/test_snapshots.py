"""The change alarm: all templates, whole. `make snapshots` writes them anew; read the difference."""

import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from stacks import settings

from .conftest import EXAMPLES

NAMES = [*settings.names(), *sorted(path.stem for path in EXAMPLES.glob("*.yaml"))]
SOURCE = re.compile(r"[0-9a-f]{64}|(?<=CurrentVersion)[0-9A-F]{8}[0-9a-f]{32}")


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def _masked(value: Any) -> Any:
    """Hide the hashes of the proxy's source, which change with every line of it; everything else stays exact."""
    if isinstance(value, dict):
        return {SOURCE.sub("<source>", key): _masked(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_masked(member) for member in value]
    return SOURCE.sub("<source>", value) if isinstance(value, str) else value


@pytest.mark.parametrize("name", NAMES)
def test_templates(name: str, templates: dict[str, dict[str, Any]], snapshot: SnapshotAssertion) -> None:
    found = {key.split("/")[1]: template for key, template in templates.items() if key.split("/")[0] == name}
    assert found
    for key, template in found.items():
        stack = "endpoint" if "endpoint" in key else "proxy"
        assert _masked(template) == snapshot(name=f"{name}-{stack}")


def test_the_endpoints_logical_id_stays(templates: dict[str, dict[str, Any]]) -> None:
    """Another one would delete the endpoint and make it anew."""
    ids = {
        logical_id
        for template in templates.values()
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::SageMaker::Endpoint"
    }
    assert ids == {"Endpoint8024A810"}
