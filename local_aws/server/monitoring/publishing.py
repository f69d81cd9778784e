"""Whether an AWS service may publish to a topic: what it may not, AWS drops without an error.

One of the modules that use MiniStack's private names.
"""

from __future__ import annotations

import json
from typing import Final

from ministack.core import iam_evaluator
from ministack.services import eventbridge, kms, sns

from local_aws.server import emulator

EVENTS: Final = "events.amazonaws.com"


def check_rules_too() -> None:
    """Let rules of EventBridge publish only where they may."""
    original = eventbridge._dispatch_to_sns

    def dispatch(topic: str, payload: str) -> None:
        rule = f"arn:aws:events:{emulator.region()}:{emulator.account()}:rule/any"
        if may_publish(topic, EVENTS, rule):
            original(topic, payload)

    eventbridge._dispatch_to_sns = dispatch


def may_publish(topic: str, service: str, source_arn: str) -> bool:
    """Return whether a topic's policy, and its key's, allow a service.

    Args:
        topic: the topic's ARN; any other ARN is no topic, and returns False.
        service: e.g. ``cloudwatch.amazonaws.com``.
        source_arn: the alarm or the rule.

    """
    if not sns.topic_policy_allows(topic, service, source_arn, emulator.account()):
        return False
    key = str((sns._topics.get(topic) or {}).get("attributes", {}).get("KmsMasterKeyId") or "")
    found = kms._keys.get(key.rpartition("/")[2]) if key else None
    if not key or not found:
        return not key  # the key that AWS owns for SNS allows no service, and nobody can change its policy
    # "not supported for EventBridge-to-encrypted topics": docs.aws.amazon.com/sns/latest/dg/sns-key-management.html.
    source = {} if service == EVENTS else {"aws:sourcearn": source_arn, "aws:sourceaccount": emulator.account()}
    policy = found["Policy"]
    return all(
        iam_evaluator.evaluate_resource_policy(
            policy if isinstance(policy, str) else json.dumps(policy),
            iam_evaluator.EvalContext(
                principal_arn="*",
                principal_type="Service",
                principal_account="",
                action=action,
                resource_arn=str(found.get("Arn") or key),
                region=emulator.region(),
                service_context=source,
            ),
            service=service,
        ).decision
        == "Allow"
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )
