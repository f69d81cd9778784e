"""What CloudFormation's own resource schemas say of a type. cfn-lint has a copy of them."""

from __future__ import annotations

from collections.abc import Container
from functools import cache
from typing import Final

SCALABLE_TARGET_IDENTIFIER: Final = ("ResourceId", "ScalableDimension", "ServiceNamespace")
"""The properties that a scalable target's physical id consists of: its schema's ``primaryIdentifier``."""


@cache
def create_only_properties(resource_type: str, region: str) -> frozenset[str]:
    """Return the top-level properties of a type that CloudFormation cannot change in place.

    A new value of such a property replaces the resource. Where only a part of a property is so, the property is left
    out: the type's own update has to refuse that part.

    The first call imports cfn-lint, which takes seconds; the first template has imported it before the first update.

    Args:
        resource_type: e.g. ``AWS::SageMaker::Endpoint``.
        region: an AWS region that has the type.

    """
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
    paths = [path.split("/")[2:] for path in schema.get("createOnlyProperties", [])]
    return frozenset(first for first, *inner in paths if not inner)


class CreateOnly(Container[object]):
    """A type's create-only properties, read when they are first asked for, so that the server starts without cfn-lint.

    Args:
        resource_type: e.g. ``AWS::SageMaker::Endpoint``.

    """

    # Every type here has the same schema in every region that has the type.
    _REGION = "us-east-1"

    def __init__(self, resource_type: str) -> None:
        self._resource_type = resource_type

    def __contains__(self, name: object) -> bool:
        return name in create_only_properties(self._resource_type, self._REGION)
