"""The switch of an environment, from the section ``endpoint.sleep`` of its file."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_logs as logs

from sagemaker_llm import GpuEndpoint, LeaseLengths, OfficeHours, OnDemand, PowerSwitch, SleepPlan
from stacks import acknowledgements_power
from stacks.names import PROJECT
from stacks.settings.sleep_section import Sleep


def declare(
    stack: Stack, environment: str, endpoint: GpuEndpoint, section: Sleep, log_retention: logs.RetentionDays
) -> PowerSwitch:
    """Declare the switch in the endpoint's stack.

    Args:
        stack: the endpoint's stack.
        environment: the environment's name.
        endpoint: the endpoint.
        section: when it sleeps.
        log_retention: how long the function's log lines are kept.

    """
    switch = PowerSwitch(
        stack,
        "Power",
        name=f"{PROJECT}-{environment}",
        environment=environment,
        endpoint=endpoint,
        plan=plan(section),
        log_retention=log_retention,
    )
    has_scaling = any(variant.autoscaling for variant in endpoint.variants)
    acknowledgements_power.for_power(switch, has_scaling=has_scaling)
    return switch


def plan(section: Sleep) -> SleepPlan:
    """Return a section as the construct library has it."""
    hours, demand = section.office_hours, section.on_demand
    return SleepPlan(
        office_hours=OfficeHours(**hours.model_dump()) if hours else None,
        idle_minutes=section.idle_minutes,
        on_demand=OnDemand(**demand.model_dump()) if demand else None,
        lease=LeaseLengths(**section.lease.model_dump()),
    )
