"""Findings of the policy packs that are right as they are: said once, with the exact id and the reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

ALL: Final = ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")
"""The packs that share rules, with the same names."""


def acknowledge(construct: IConstruct, rule: str, *, reason: str, packs: Iterable[str] = ALL) -> None:
    """Acknowledge one rule's finding on one construct. A test fails when there is no such finding any more.

    Args:
        construct: what causes the finding; a construct's resources are included, nothing beside it.
        rule: the rule's name without its pack, e.g. ``LambdaDLQ``; with the exact finding in brackets where it has one.
        reason: why it is right as it is.
        packs: the packs that have the rule.

    """
    for pack in packs:
        Validations.of(construct).acknowledge(Acknowledgment(id=f"{pack}::{pack}-{rule}", reason=reason))
