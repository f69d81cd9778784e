"""What a check found out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["ok", "wrong", "unknown"]


@dataclass(frozen=True)
class Increase:
    """An increase of a quota that would put a finding right.

    Attributes:
        name: the quota's name, e.g. ``ml.g5.xlarge for endpoint usage``.
        code: its code in Service Quotas, of the service ``sagemaker``.
        value: what the quota has to be.

    """

    name: str
    code: str
    value: int


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes:
        status: ``unknown`` says nothing about the account: AWS denied the question, or does not know.
        text: what was found, or why it is not known.
        fix: a command or a link; empty when nothing has to be done.
        increase: the increase that ``--fix`` requests; default none.
        check: the name of the check; the runner fills it in.

    """

    status: Status
    text: str
    fix: str = ""
    increase: Increase | None = None
    check: str = ""


def ok(text: str) -> Finding:
    """Return a finding that asks for nothing."""
    return Finding("ok", text)


def wrong(text: str, fix: str, increase: Increase | None = None) -> Finding:
    """Return a finding that stops a deployment."""
    return Finding("wrong", text, fix, increase)


def unknown(text: str, fix: str = "") -> Finding:
    """Return a finding that does not stop a deployment."""
    return Finding("unknown", text, fix)
