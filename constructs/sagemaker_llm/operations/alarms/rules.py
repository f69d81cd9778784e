"""What is no metric: events of SageMaker and CloudFormation that tell a topic by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_llm.operations.alarms.alarm import Naming

ROLLED_BACK = ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED", "DELETE_FAILED")
"""The statuses in which a stack is not what was asked for. With UPDATE_ROLLBACK_FAILED nothing can change it until a
person has continued the rollback."""


def config_rule(
    scope: Construct, *, endpoint_name: str, config: sagemaker.CfnEndpointConfig, naming: Naming, topic_arn: str
) -> events.CfnRule:
    """Declare a rule: the endpoint is in service with a config that is not the template's.

    SageMaker falls back to the former config without an error, and people change endpoints by hand; there is no metric
    of either. The rule has to be updated before the endpoint: the event of a good update then names the new config.

    Source: docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html.

    Args:
        scope: the parent, in the stack of the endpoint.
        endpoint_name: the endpoint's name.
        config: the template's config.
        naming: how the rule is described.
        topic_arn: who is told.

    """
    detail = {
        "EndpointName": [endpoint_name],
        "EndpointStatus": ["IN_SERVICE"],
        "EndpointConfigName": [{"anything-but": [config.attr_endpoint_config_name]}],
    }
    says = "The endpoint is in service with a config that is not the template's."
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Endpoint State Change"], "detail": detail}
    return _rule(scope, "Config", pattern, naming.description(says, "other-config"), topic_arn)


def stack_rule(scope: Construct, *, stack_arn: str, naming: Naming, topic_arn: str) -> events.CfnRule:
    """Declare a rule: a stack could not become what was asked for, by a person, a pipeline or the switch.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-eventbridge.html.

    Args:
        scope: the parent.
        stack_arn: the beginning of the stack's ARN, with its name and a slash.
        naming: how the rule is described.
        topic_arn: who is told.

    """
    detail = {"stack-id": [{"prefix": stack_arn}], "status-details": {"status": list(ROLLED_BACK)}}
    pattern = {
        "source": ["aws.cloudformation"],
        "detail-type": ["CloudFormation Stack Status Change"],
        "detail": detail,
    }
    says = "The endpoint's stack is not what was asked for."
    return _rule(scope, "StackStatus", pattern, naming.description(says, "stack-status"), topic_arn)


def _rule(
    scope: Construct, construct_id: str, pattern: Mapping[str, Any], description: str, topic_arn: str
) -> events.CfnRule:
    return events.CfnRule(
        scope,
        construct_id,
        description=description,
        event_pattern=pattern,
        state="ENABLED",
        targets=[events.CfnRule.TargetProperty(arn=topic_arn, id="Topic")],
    )
