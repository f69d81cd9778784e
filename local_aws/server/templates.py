"""Checks templates with cfn-lint, because MiniStack does not check the properties of its own types."""

from __future__ import annotations

from functools import cache
from typing import Final

IGNORED: Final = {
    "E3006": "MiniStack refuses unknown types itself",
}
"""The rules of cfn-lint that are not used, each with the reason."""


@cache
def problems(template: str, region: str) -> str:
    """Return what violates CloudFormation's resource schemas, of which cfn-lint has a copy; empty when valid.

    Args:
        template: as JSON.
        region: the stack's region: not every region has every resource type and instance type.

    """
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    found = lint(template, config=ManualArgs(regions=[region], ignore_checks=["W", "I", *IGNORED]))
    messages = [f"{'/'.join(str(part) for part in one.path or [])}: {one.message} ({one.rule.id})" for one in found]
    return f"Template validation failed: {'; '.join(messages)}" if messages else ""
