"""cdk-nag's findings on alarms and rules that do not apply, each with the reason. docs/policy.md lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stacks.acknowledgements import acknowledge

if TYPE_CHECKING:
    from aws_cdk import aws_events as events

    from sagemaker_llm.operations.alarms.endpoint_watch import EndpointWatch
    from sagemaker_llm.operations.alarms.page import Alarms
    from sagemaker_llm.operations.alarms.topic import AlarmTopic


def for_alarms(alarms: Alarms, rule: events.CfnRule) -> None:
    """Acknowledge the findings on the alarms of requests and on the rule about a stack."""
    silent = "it is silent on purpose: the composite alarm that names it pages, once for all of them"
    for child in alarms.children:
        acknowledge(child, "CloudWatchAlarmAction", reason=silent, packs=["NIST.800.53.R5", "HIPAA.Security"])
    _for_rule(rule)


def for_topic(topic: AlarmTopic) -> None:
    """Acknowledge the findings on a topic."""
    mail = "SNS repeats an e-mail by itself; nobody would look into a queue, and the alarm's state is in CloudWatch"
    for subscription in topic.subscriptions:
        acknowledge(subscription, "SNSRedrivePolicy", reason=mail, packs=["Serverless"])


def for_watch(watch: EndpointWatch) -> None:
    """Acknowledge the findings on what the endpoint's stack watches."""
    _for_rule(watch.rule)


def _for_rule(rule: events.CfnRule) -> None:
    retried = "EventBridge repeats for a day what the topic does not take; a queue would need somebody to look into it"
    acknowledge(rule, "EventBusDLQ", reason=retried, packs=["Serverless"])
