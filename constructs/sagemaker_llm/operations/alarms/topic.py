"""The SNS topic that alarms, rules and budgets publish to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

EVENTS: Final = "events.amazonaws.com"
PUBLISHERS: Final = ("cloudwatch.amazonaws.com", EVENTS, "budgets.amazonaws.com")
"""The services that publish to the topic."""


class AlarmTopic(Construct):
    """A topic with a KMS key of its own, which takes messages of this account's alarms, rules and budgets only.

    The key that AWS owns does not do: its policy cannot be changed, and CloudWatch, EventBridge and Budgets need
    permissions in it. The permission of EventBridge has no condition on the account: "not supported for
    EventBridge-to-encrypted topics" (docs.aws.amazon.com/sns/latest/dg/sns-key-management.html), it would lose every
    message. The topic's policy has that condition.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        topic_name: the topic's name. Other stacks publish to it by this name, without an export.
        emails: the addresses of its subscribers; each owner confirms once, by a link that AWS sends.

    Attributes:
        topic: the topic.
        subscriptions: those of the addresses.
        key: its key, which is deleted with it: undelivered messages are all that it encrypts.

    """

    def __init__(self, scope: Construct, construct_id: str, *, topic_name: str, emails: Sequence[str] = ()) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description=f"Encrypts the messages of the topic {topic_name}",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        here = {"StringEquals": {"aws:SourceAccount": self.key.stack.account}}
        services = [iam.ServicePrincipal(name) for name in PUBLISHERS]
        for principals, conditions in (
            ([one for one in services if one.service != EVENTS], here),
            ([one for one in services if one.service == EVENTS], None),
        ):
            self.key.add_to_resource_policy(
                iam.PolicyStatement(
                    actions=["kms:GenerateDataKey*", "kms:Decrypt"],
                    resources=["*"],
                    principals=list(principals),
                    conditions=conditions,
                )
            )
        self.topic = sns.Topic(self, "Topic", topic_name=topic_name, master_key=self.key, enforce_ssl=True)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"], resources=[self.topic.topic_arn], principals=services, conditions=here
            )
        )
        self.subscriptions = [
            sns.CfnSubscription(
                self, f"Email{number}", topic_arn=self.topic.topic_arn, protocol="email", endpoint=email
            )
            for number, email in enumerate(emails, start=1)
        ]
