"""A variant of an environment file, as the construct library's."""

from __future__ import annotations

from collections.abc import Callable

from aws_cdk import Duration

from sagemaker_llm import Autoscaling, InstancePool, MarketplaceModel, ScheduledCapacity, Variant
from stacks.settings import sections

FindModel = Callable[[sections.Model, str], MarketplaceModel]


def variant(name: str, wanted: sections.Variant, model: sections.Model, find: FindModel) -> Variant:
    """Return a variant.

    Args:
        name: its name.
        wanted: what the file says of it.
        model: its package.
        find: returns the construct of a package for a GPU type.

    Raises:
        OptionError: the settings do not go together.

    """
    models = [(instance_type, find(chosen, instance_type)) for instance_type, chosen in wanted.types_and_models(model)]
    provision = wanted.instance_provision_timeout_seconds
    return Variant(
        model=models[0][1],
        instance_type=wanted.instance_type,
        pools=[InstancePool(*found) for found in models] if wanted.instance_pools else (),
        name=name,
        weight=wanted.weight,
        instance_count=wanted.instance_count,
        autoscaling=_autoscaling(wanted.autoscaling) if wanted.autoscaling else None,
        inference_ami_version=wanted.inference_ami_version,
        model_download_timeout=Duration.seconds(wanted.model_download_timeout_seconds),
        container_startup_timeout=Duration.seconds(wanted.container_startup_timeout_seconds),
        instance_provision_timeout=Duration.seconds(provision) if provision else None,
        routing_strategy=wanted.routing_strategy,
        volume_size_gb=wanted.volume_size_gb,
        capacity_reservation_arn=wanted.capacity_reservation_arn,
    )


def _autoscaling(wanted: sections.Autoscaling) -> Autoscaling:
    return Autoscaling(
        min_instances=wanted.min_instances,
        max_instances=wanted.max_instances,
        metric=wanted.metric,
        target=wanted.target,
        scale_in_cooldown=Duration.seconds(wanted.scale_in_cooldown_seconds),
        scale_out_cooldown=Duration.seconds(wanted.scale_out_cooldown_seconds),
        schedules=[ScheduledCapacity(**schedule.model_dump()) for schedule in wanted.schedules],
    )
