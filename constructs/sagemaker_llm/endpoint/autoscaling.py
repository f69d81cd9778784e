"""Autoscaling of a variant: by its load, and by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as autoscaling
from constructs import Construct

from sagemaker_llm.durations import in_seconds, seconds
from sagemaker_llm.endpoint.schedule import check_schedule, check_timezone
from sagemaker_llm.errors import OptionError
from sagemaker_llm.limits import check_instance_count, check_range

ScalingMetric: TypeAlias = Literal["concurrency", "invocations"]
"""The metric held at the target: concurrent requests of each model copy, or an instance's invocations a minute."""

_METRICS = {
    # Every ten seconds, and right for long, uneven generations.
    "concurrency": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    "invocations": "SageMakerVariantInvocationsPerInstance",
}


@dataclass(frozen=True)
class ScheduledCapacity:
    """Other bounds from a moment on, until another schedule changes them again.

    Attributes:
        name: unique in the variant.
        schedule: ``cron(minute hour day month weekday year)``, ``rate(…)`` or ``at(…)``.
        min_instances: the fewest instances from then on, 1 or more.
        max_instances: the most.
        timezone: an IANA name; default UTC.

    """

    name: str
    schedule: str
    min_instances: int
    max_instances: int
    timezone: str = "UTC"


@dataclass(frozen=True)
class Autoscaling:
    """Target tracking between bounds.

    Source: docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html.

    Attributes:
        max_instances: the most instances; each costs its full price while it is there.
        target: the value for one model copy (``concurrency``), or for one instance and minute (``invocations``).
        min_instances: the fewest, 1 or more; default 1.
        metric: the metric; default ``concurrency``.
        scale_in_cooldown: after removing instances, 0 s or more; default 10 minutes, since a new one takes that long.
        scale_out_cooldown: after adding instances, 0 s or more; default 1 minute.
        schedules: bounds by the clock; default none.

    Raises:
        OptionError: a value that Application Auto Scaling or SageMaker would refuse.

    """

    max_instances: int
    target: float
    min_instances: int = 1
    metric: ScalingMetric = "concurrency"
    scale_in_cooldown: Duration = field(default_factory=lambda: seconds(600))
    scale_out_cooldown: Duration = field(default_factory=lambda: seconds(60))
    schedules: Sequence[ScheduledCapacity] = ()

    def __post_init__(self) -> None:
        if self.metric not in _METRICS:
            raise OptionError("metric", self.metric, problem="is no metric", allowed=", ".join(_METRICS))
        _check_bounds("autoscaling", self.min_instances, self.max_instances)
        if self.target <= 0:
            raise OptionError("target", self.target, problem="is out of range", allowed="a number above 0")
        for option in ("scale_in_cooldown", "scale_out_cooldown"):
            check_range(option, in_seconds(getattr(self, option)), 0, float("inf"), unit="seconds")
        names = [schedule.name for schedule in self.schedules]
        if len(set(names)) < len(names):
            raise OptionError("schedules", names, problem="has a name twice", allowed="a name of its own for each")
        for schedule in self.schedules:
            check_schedule("schedule", schedule.schedule)
            check_timezone("timezone", schedule.timezone)
            _check_bounds(f"schedules.{schedule.name}", schedule.min_instances, schedule.max_instances)

    def apply(self, scope: Construct, construct_id: str, *, endpoint_name: str, variant_name: str) -> None:
        """Register a variant and its policy. Application Auto Scaling uses its service-linked role.

        Args:
            scope: the parent.
            construct_id: the id in the parent.
            endpoint_name: the endpoint, which has to exist first: let ``scope`` depend on it.
            variant_name: the variant.

        """
        target = autoscaling.CfnScalableTarget(
            scope,
            construct_id,
            service_namespace="sagemaker",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{endpoint_name}/variant/{variant_name}",
            min_capacity=self.min_instances,
            max_capacity=self.max_instances,
            scheduled_actions=[_action(schedule) for schedule in self.schedules] or None,
        )
        tracking = autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=self.target,
            predefined_metric_specification=autoscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                predefined_metric_type=_METRICS[self.metric]
            ),
            scale_in_cooldown=in_seconds(self.scale_in_cooldown),
            scale_out_cooldown=in_seconds(self.scale_out_cooldown),
        )
        autoscaling.CfnScalingPolicy(
            scope,
            f"{construct_id}Policy",
            policy_name=f"{endpoint_name}-{variant_name}-{self.metric}",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=tracking,
        )


def _action(schedule: ScheduledCapacity) -> autoscaling.CfnScalableTarget.ScheduledActionProperty:
    return autoscaling.CfnScalableTarget.ScheduledActionProperty(
        scheduled_action_name=schedule.name,
        schedule=schedule.schedule,
        timezone=schedule.timezone,
        scalable_target_action=autoscaling.CfnScalableTarget.ScalableTargetActionProperty(
            min_capacity=schedule.min_instances, max_capacity=schedule.max_instances
        ),
    )


def _check_bounds(where: str, least: int, most: int) -> None:
    check_instance_count(f"{where}.min_instances", least)
    check_range(f"{where}.max_instances", most, least, float("inf"), remedy="not below min_instances")
