"""A statement of an IAM policy, with the reason why it is as wide as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

PARTITION: Final = "${AWS::Partition}"
"""The partition of the stack, which CloudFormation fills in."""

ACCOUNT: Final = "${AWS::AccountId}"
"""The account of the stack, which CloudFormation fills in."""


@dataclass(frozen=True)
class Statement:
    """A statement of an IAM policy.

    Attributes:
        why: what it is for, and why its wildcards are needed; the policy packs' findings are acknowledged with it.
        actions: IAM's names, with or without wildcards.
        resources: ARNs, or ``*``.
        condition: IAM's condition block; default none.
        effect: default ``Allow``.

    """

    why: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, str | list[str]]] = field(default_factory=dict)
    effect: Literal["Allow", "Deny"] = "Allow"

    @property
    def wildcards(self) -> Iterator[str]:
        """Yield each action and resource with a wildcard, as cdk-nag names it."""
        if self.effect == "Allow":
            yield from (f"Action::{action}" for action in self.actions if "*" in action)
            for resource in self.resources:
                if "*" in resource:
                    yield f"Resource::{resource.replace('${', '<').replace('}', '>')}"


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """Return the policy document of statements, for a template."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": one.effect,
                "Action": list(one.actions),
                "Resource": [substituted(resource) for resource in one.resources],
                **({"Condition": substituted(dict(one.condition))} if one.condition else {}),
            }
            for one in statements
        ],
    }


def substituted(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Let CloudFormation fill in the partition and the account wherever they stand; a template stays short so."""
    if isinstance(value, Mapping):
        return {key: substituted(member) for key, member in value.items()}
    if isinstance(value, list):
        return [substituted(member) for member in value]
    return {"Fn::Sub": value} if "${" in value else value


def arn(service: str, resource: str) -> str:
    """Return the ARN of a resource of the account, in any region."""
    return f"arn:{PARTITION}:{service}:*:{ACCOUNT}:{resource}"


def iam_arn(resource: str) -> str:
    """Return the ARN of a role or a policy of the account."""
    return f"arn:{PARTITION}:iam::{ACCOUNT}:{resource}"
