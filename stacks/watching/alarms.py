"""What watches an environment: its alarms and its topic, declared in the stacks that can."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack

from sagemaker_llm import GpuEndpoint, PowerSwitch, limits
from sagemaker_llm.limits import VARIANT_NAME
from sagemaker_llm.operations.alarms.alarm import Alarm, Naming
from sagemaker_llm.operations.alarms.endpoint import Thresholds, WatchedVariant, endpoint_alarms, presence_alarm
from sagemaker_llm.operations.alarms.endpoint_watch import EndpointWatch
from sagemaker_llm.operations.alarms.page import Alarms
from sagemaker_llm.operations.alarms.proxy import proxy_alarms, rest_api_alarms, switch_alarms
from sagemaker_llm.operations.alarms.rules import stack_rule
from sagemaker_llm.operations.alarms.topic import AlarmTopic
from sagemaker_llm.proxy.rest_api import STAGE
from stacks.names import alarm_prefix, alarm_topic, parameter_name, stack_name
from stacks.settings import Settings
from stacks.settings.alarms_section import Alarms as Section
from stacks.watching import acknowledgements
from stacks.watching.dashboard import add_dashboard

SAGEMAKER_SECONDS = 60
"""How long SageMaker lets a whole answer take."""


def add_alarms(stack: Stack, environment: str, settings: Settings, section: Section) -> None:
    """Declare the topic, the alarms about requests, the rule about the stack and the dashboard."""
    topic_arn = section.topic_arn or _topic(stack, environment, section)
    naming = _naming(environment, section)
    alarms = Alarms(
        stack, "Alarms", alarms=_alarms(stack, environment, settings, section), naming=naming, topic_arn=topic_arn
    )
    arn = stack.format_arn(
        service="cloudformation",
        resource="stack",
        resource_name=f"{stack_name(environment, 'endpoint')}/",
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )
    names = [naming.prefix, *_presence_names(settings, naming), *map(naming.name, alarms.alarms)]
    arns = [
        stack.format_arn(
            service="cloudwatch", resource="alarm", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        for name in names
    ]
    add_dashboard(stack, environment, settings, alarm_arns=arns, deadline_seconds=_deadline(settings))
    rule = stack_rule(stack, stack_arn=arn, naming=naming, topic_arn=topic_arn)
    acknowledgements.for_alarms(alarms, rule)


def watch_endpoint(
    stack: Stack, environment: str, section: Section, endpoint: GpuEndpoint, switch: PowerSwitch | None
) -> None:
    """Declare what the endpoint's own stack watches; its topic is known by its name, without an export.

    Args:
        stack: the endpoint's stack.
        environment: the environment's name.
        section: the section ``alarms``.
        endpoint: the endpoint.
        switch: what lets it sleep, whose role then makes and deletes the alarms with it; None when it never sleeps.

    """
    topic_arn = section.topic_arn or stack.format_arn(service="sns", resource=alarm_topic(environment))
    watch = EndpointWatch(
        stack,
        "Watch",
        endpoint=endpoint,
        naming=_naming(environment, section),
        topic_arn=topic_arn,
        awake=endpoint.awake,
    )
    if switch:
        watch.grant_declare(switch.service_role)
    acknowledgements.for_watch(watch)


def _naming(environment: str, section: Section) -> Naming:
    return Naming(alarm_prefix(environment), section.runbook_url)


def _presence_names(settings: Settings, naming: Naming) -> list[str]:
    """Return the names of the alarms in the endpoint's stack."""
    variants = (VARIANT_NAME, *settings.endpoint.more_variants)
    return [naming.name(presence_alarm(WatchedVariant(settings.endpoint.name, name))) for name in variants]


def _topic(stack: Stack, environment: str, section: Section) -> str:
    topic = AlarmTopic(
        stack, "Topic", topic_name=alarm_topic(environment), emails=[section.email] if section.email else []
    )
    acknowledgements.for_topic(topic)
    return topic.topic.topic_arn


def _alarms(stack: Stack, environment: str, settings: Settings, section: Section) -> list[Alarm]:
    thresholds = Thresholds(section.error_percent, section.latency_percent, section.saturation_percent)
    found = [
        alarm
        for name in (VARIANT_NAME, *settings.endpoint.more_variants)
        for alarm in endpoint_alarms(
            WatchedVariant(settings.endpoint.name, name),
            thresholds,
            deadline_seconds=_deadline(settings),
            requests_per_instance=settings.proxy.requests_per_instance,
        )
    ]
    if settings.has_proxy:
        found += proxy_alarms(environment, _function_name(stack, environment), thresholds)
        if settings.proxy.rest_api:
            api, seconds = stack_name(environment, "proxy"), _api_deadline(settings)
            sleeping = settings.endpoint.name if settings.endpoint.sleep else ""
            found += rest_api_alarms(api, STAGE, thresholds, deadline_seconds=seconds, sleeping=sleeping)
    if settings.endpoint.sleep:
        found += switch_alarms(environment)
    return found


def _function_name(stack: Stack, environment: str) -> str:
    """Return the name of the proxy's function, which CloudFormation reads when this stack is deployed."""
    from aws_cdk import aws_ssm as ssm

    name = parameter_name(environment, "generate-function")
    return ssm.StringParameter.value_for_string_parameter(stack, name)


def _deadline(settings: Settings) -> float:
    """Return how long the model may take for one answer, in seconds."""
    proxy = settings.proxy
    if proxy.streaming:
        return proxy.stream_timeout_seconds or limits.STREAM_DEFAULT_SECONDS
    api = [_api_deadline(settings)] if proxy.rest_api else []
    return min(SAGEMAKER_SECONDS, proxy.generate_timeout_seconds, *api)


def _api_deadline(settings: Settings) -> float:
    """Return API Gateway's time-out, in seconds."""
    proxy = settings.proxy
    if proxy.rest_api and proxy.rest_api.timeout_seconds:
        return proxy.rest_api.timeout_seconds
    if not proxy.streaming:
        return limits.REST_API_DEFAULT_SECONDS
    longest = max(proxy.generate_timeout_seconds, proxy.stream_timeout_seconds or limits.STREAM_DEFAULT_SECONDS)
    return longest + limits.RESERVE_SECONDS
