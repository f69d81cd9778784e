"""Checks whole templates before CloudFormation takes them: MiniStack does not check the properties of its own types."""

from __future__ import annotations

from functools import cache
from typing import Final

IGNORED: Final = {
    "E3006": "MiniStack refuses a type it does not know in its own words",
}
"""Rules of cfn-lint that do not count here, each with its reason."""


@cache
def problems(template: str, region: str) -> str:
    """Return what CloudFormation would not take, by the resource schemas that cfn-lint ships; empty when nothing.

    Args:
        template: as JSON.
        region: where it is deployed: not every region has every type and every instance.

    """
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    found = lint(template, config=ManualArgs(regions=[region], ignore_checks=["W", "I", *IGNORED]))
    said = [f"{'/'.join(str(part) for part in one.path or [])}: {one.message} ({one.rule.id})" for one in found]
    return f"Template validation failed: {'; '.join(said)}" if said else ""
