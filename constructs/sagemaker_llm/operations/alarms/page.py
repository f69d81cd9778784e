"""The alarms of an environment, and the one that pages."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from sagemaker_llm.operations.alarms.alarm import Alarm, Naming, declare


class Alarms(Construct):
    """Silent alarms, and a composite alarm that tells a topic once when the first of them fires, and when all are over.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        alarms: the silent ones.
        naming: how they are named and described.
        topic_arn: who is told.

    Attributes:
        alarms: as given.
        children: the silent alarms' resources, in the same order.
        composite: the one that pages.

    """

    def __init__(
        self, scope: Construct, construct_id: str, *, alarms: Sequence[Alarm], naming: Naming, topic_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.alarms = list(alarms)
        self.children = [declare(self, alarm, naming) for alarm in alarms]
        names = [naming.name(alarm) for alarm in alarms]
        says = "Something of the environment needs a person: the alarms in this one's rule say what."
        self.composite = cloudwatch.CfnCompositeAlarm(
            self,
            "Page",
            alarm_name=naming.prefix,
            alarm_description=naming.description(says, "page"),
            alarm_rule=" OR ".join(f'ALARM("{name}")' for name in names),
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
        )
        for child in self.children:
            # By name only, so CloudFormation does not see it: CloudWatch refuses a rule that names no alarm.
            self.composite.add_resource_dependency(child)
