"""A variant of an environment file, as the construct library's."""

from __future__ import annotations

from collections.abc import Callable

from sagemaker_llm import Autoscaling, InstancePool, MarketplaceModel, ScheduledCapacity, Variant
from sagemaker_llm.durations import seconds
from stacks.settings import autoscaling_section, sections

FindModel = Callable[[sections.Model, str], MarketplaceModel]


def variant(name: str, section: sections.Variant, model: sections.Model, find: FindModel) -> Variant:
    """Return a variant.

    Args:
        name: its name.
        section: its section of the file.
        model: its package.
        find: returns the construct of a package for a GPU type.

    Raises:
        OptionError: the settings do not go together.

    """
    models = [(instance_type, find(chosen, instance_type)) for instance_type, chosen in section.types_and_models(model)]
    provision = section.instance_provision_timeout_seconds
    return Variant(
        model=models[0][1],
        instance_type=section.instance_type,
        pools=[InstancePool(*found) for found in models] if section.instance_pools else (),
        name=name,
        weight=section.weight,
        instance_count=section.instance_count,
        autoscaling=_autoscaling(section.autoscaling) if section.autoscaling else None,
        inference_ami_version=section.inference_ami_version,
        model_download_timeout=seconds(section.model_download_timeout_seconds),
        container_startup_timeout=seconds(section.container_startup_timeout_seconds),
        instance_provision_timeout=seconds(provision) if provision else None,
        routing_strategy=section.routing_strategy,
        volume_size_gb=section.volume_size_gb,
        capacity_reservation_arn=section.capacity_reservation_arn,
    )


def _autoscaling(section: autoscaling_section.Autoscaling) -> Autoscaling:
    return Autoscaling(
        min_instances=section.min_instances,
        max_instances=section.max_instances,
        metric=section.metric,
        target=section.target,
        scale_in_cooldown=seconds(section.scale_in_cooldown_seconds),
        scale_out_cooldown=seconds(section.scale_out_cooldown_seconds),
        schedules=[ScheduledCapacity(**schedule.model_dump()) for schedule in section.schedules],
    )
