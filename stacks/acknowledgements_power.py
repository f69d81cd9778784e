"""Findings of the policy packs on the switch that this app accepts: see ``acknowledgements``."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack, Validations
from aws_cdk import aws_lambda as lambda_

from sagemaker_llm import PowerSwitch
from stacks.acknowledgements import INLINE, acknowledge, findings, for_function, wildcard


def for_power(switch: PowerSwitch, *, has_scaling: bool) -> None:
    """Acknowledge the findings on a switch.

    Args:
        switch: the switch.
        has_scaling: whether its endpoint has autoscaling.

    """
    stack = Stack.of(switch)
    for_function(
        switch.function,
        dead_letters="an event that fails is in the log and in a metric; the next tick looks anew",
        concurrency=None,
        network="the function calls AWS's public endpoints with IAM and nothing else; it holds no data",
        tracing="it makes a few calls of AWS, and its log line says what came of them",
        of_role=[
            *wildcard("*", "GetMetricData takes no resource"),
            *wildcard(
                _text(stack, "cloudformation", f"stack/{stack.stack_name}/*"),
                "the id in a stack's ARN is not known before; the name is of this one",
            ),
        ],
    )
    for child in switch.function.node.find_all():
        if isinstance(child, lambda_.CfnEventInvokeConfig):
            dropped = "what is too old is dropped on purpose: a tick comes every five minutes"
            acknowledge(child, "LambdaAsyncFailureDestination", reason=dropped, packs=["Serverless"])
    acknowledge(switch.scheduler_role, "IAMNoInlinePolicy", reason=INLINE)
    found = findings("IAMNoInlinePolicy", INLINE)
    if has_scaling:
        target = "a scalable target has an id that nobody knows before; a condition limits them to SageMaker's"
        alarms = "Application Auto Scaling names the alarms; the prefix is of this one endpoint"
        prefix = f"alarm:TargetTracking-endpoint/{switch.endpoint_name}/*"
        found += wildcard("*", "Application Auto Scaling's Describe actions take no resource")
        found += wildcard(_text(stack, "application-autoscaling", "scalable-target/*"), target)
        found += wildcard(_text(stack, "cloudwatch", prefix), alarms)
    Validations.of(switch.service_role).acknowledge(*found)


def _text(stack: Stack, service: str, resource: str) -> str:
    """Return an ARN as findings have it: references in angle brackets."""
    parts: tuple[Any, ...] = (stack.partition, service, stack.region, stack.account)
    texts = [stack.resolve(part) for part in parts]
    return ":".join(["arn", *(one if isinstance(one, str) else f"<{one['Ref']}>" for one in texts), resource])
