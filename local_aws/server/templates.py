"""Checks templates with cfn-lint, because MiniStack does not check the properties of its own types."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

IGNORED: Final = {
    "E3006": "MiniStack refuses unknown types itself",
}
"""The rules of cfn-lint that are not used, each with the reason."""

ACCEPTED_VARIABLE: Final = "LOCAL_AWS_ACCEPTED"
"""The environment variable with a folder in which each accepted template leaves a mark; without it there are no marks.

cfn-lint takes three seconds of CPU to start, and half a second for each template.
"""


@cache
def problems(template: str, region: str) -> str:
    """Return what violates CloudFormation's resource schemas, of which cfn-lint has a copy; empty when valid.

    Args:
        template: as JSON.
        region: the stack's region: not every region has every resource type and instance type.

    """
    folder = os.environ.get(ACCEPTED_VARIABLE)
    mark = Path(folder) / _digest(template, region) if folder else None
    if mark and mark.exists():
        return ""
    found = _violations(template, region)
    if mark and not found:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    return found


def _digest(template: str, region: str) -> str:
    """Return what a verdict depends on, as one name."""
    return hashlib.sha256(json.dumps([version("cfn-lint"), sorted(IGNORED), region, template]).encode()).hexdigest()


def _violations(template: str, region: str) -> str:
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    found = lint(template, config=ManualArgs(regions=[region], ignore_checks=["W", "I", *IGNORED]))
    messages = [f"{'/'.join(str(part) for part in one.path or [])}: {one.message} ({one.rule.id})" for one in found]
    return f"Template validation failed: {'; '.join(messages)}" if messages else ""
