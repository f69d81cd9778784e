"""What only the stack of an endpoint can watch: whether it is there when it should be, and with which config."""

from __future__ import annotations

from typing import Final, cast

from aws_cdk import ArnFormat, CfnCondition, CfnResource, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagemaker_llm.endpoint.gpu_endpoint import GpuEndpoint
from sagemaker_llm.operations.alarms.alarm import Actions, Naming, declare
from sagemaker_llm.operations.alarms.endpoint import WatchedVariant, presence_alarm
from sagemaker_llm.operations.alarms.rules import config_rule

# Source: the handlers' permissions in CloudFormation's resource schema of AWS::CloudWatch::Alarm.
_HANDLERS: Final = [
    *("cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms"),
    *("cloudwatch:TagResource", "cloudwatch:UntagResource", "cloudwatch:ListTagsForResource"),
]
WARM_UP_MINUTES: Final = 15
"""How long a new alarm waits: CloudFormation makes it when the endpoint is in service, and its instances report their
first metric minutes later. CloudWatch ends the wait as soon as there are enough data."""


class EndpointWatch(Construct):
    """The alarm that no instance is healthy, for each variant, and the rule about another config.

    The alarm exists exactly while the endpoint should: under the condition of the endpoint, and made after it. So a
    sleeping endpoint is no incident. For the same reason it pages by itself: CloudWatch refuses to delete an alarm that
    a composite alarm names, and an endpoint could not fall asleep.

    Args:
        scope: the parent, in the stack of the endpoint.
        construct_id: the id in the parent.
        endpoint: the endpoint.
        naming: how the alarms are named and described.
        topic_arn: who is told.
        awake: the condition under which the endpoint exists; default always.

    Attributes:
        alarms: the alarms.
        rule: the rule.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: GpuEndpoint,
        naming: Naming,
        topic_arn: str,
        awake: CfnCondition | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        resource = cast("CfnResource", endpoint.node.find_child("Endpoint"))
        actions = Actions([topic_arn], WARM_UP_MINUTES)
        self.alarms = []
        for variant in endpoint.variants:
            watched = WatchedVariant(endpoint.endpoint_name, variant.name)
            alarm = declare(self, presence_alarm(watched), naming, actions)
            alarm.add_resource_dependency(resource)
            if awake:
                alarm.cfn_options.condition = awake
            self.alarms.append(alarm)
        self.rule = config_rule(
            self, endpoint_name=endpoint.endpoint_name, config=endpoint.config, naming=naming, topic_arn=topic_arn
        )
        resource.add_resource_dependency(self.rule)
        names = [naming.name(presence_alarm(WatchedVariant(endpoint.endpoint_name, v.name))) for v in endpoint.variants]
        self._arns = [
            Stack.of(self).format_arn(
                service="cloudwatch", resource="alarm", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
            )
            for name in names
        ]

    def grant_declare(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow a role of CloudFormation to make and delete the alarms, as they come and go with the endpoint."""
        return iam.Grant.add_to_principal(grantee=grantee, actions=_HANDLERS, resource_arns=self._arns)
