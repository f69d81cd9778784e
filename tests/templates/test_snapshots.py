"""The change alarm: four whole templates. `make snapshots` writes them anew; read the difference."""

import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.support.templates import Templates

STACKS = ("dev/endpoint", "dev/proxy", "prod/endpoint", "rest-api/proxy")
"""The smallest of each kind, and those with the most options."""

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


@pytest.mark.parametrize("stack", STACKS)
def test_a_template(stack: str, templates: Templates, snapshot: SnapshotAssertion) -> None:
    assert _masked(templates[stack]) == snapshot(name=stack.replace("/", "-"))


def test_the_endpoints_logical_id_stays(templates: Templates) -> None:
    """Another one would delete the endpoint and make it anew."""
    ids = {
        logical_id
        for template in templates.values()
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::SageMaker::Endpoint"
    }
    assert ids == {"Endpoint8024A810"}


def test_the_rest_apis_logical_id_stays(templates: Templates) -> None:
    """Another one would give callers another URL."""
    found = templates["rest-api/proxy"]["Resources"].items()
    assert [logical_id for logical_id, one in found if one["Type"] == "AWS::ApiGateway::RestApi"] == ["DoorApiD32F8731"]
