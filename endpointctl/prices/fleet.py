"""The instances of an endpoint, and what they cost: read from its template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from endpointctl.changes import CONFIG, Template
from endpointctl.prices.amount import Amount
from endpointctl.prices.price_list import PriceList
from endpointctl.prices.terms import MONTH_HOURS, Terms
from sagemaker_llm.models.instance_type import instance_types

UPDATE_MINUTES: Final = (10, 40)
"""How long an update runs the old and the new instances side by side: it depends on the size of the weights."""

_TARGET: Final = "AWS::ApplicationAutoScaling::ScalableTarget"


@dataclass(frozen=True)
class Fleet:
    """The instances of one variant.

    Attributes:
        variant: its name.
        types: the GPU types that it may get, by priority; usually one.
        least: the fewest instances, by autoscaling's bounds and schedules.
        most: the most.
        aws: what AWS charges for one instance and hour, of any of the types.
        software: what the seller charges for one instance and hour.

    """

    variant: str
    types: tuple[str, ...]
    least: int
    most: int
    aws: Amount
    software: Amount

    @property
    def per_instance(self) -> Amount:
        """Return what one instance costs an hour."""
        return self.aws + self.software

    def hour(self, instances: int) -> Amount:
        """Return what a number of instances costs an hour."""
        return self.per_instance.times(instances)

    def hours(self, instances: int, hours: float = MONTH_HOURS) -> Amount:
        """Return what a number of instances costs in a month of so many hours; default all of them."""
        return self.per_instance.times(instances * hours)

    @property
    def update(self) -> Amount:
        """Return what one update costs in addition: as many instances again while the old ones still run."""
        shortest, longest = (minutes / 60 for minutes in UPDATE_MINUTES)
        return self.hours(self.least, shortest).to(self.hours(self.most, longest))


def fleets(template: Template, terms: Terms, prices: PriceList) -> Iterator[Fleet]:
    """Yield the instances of each variant in a template; none when it has no endpoint config."""
    bounds = _bounds(template)
    for resource in template.get("Resources", {}).values():
        if resource["Type"] != CONFIG:
            continue
        for variant in resource["Properties"]["ProductionVariants"]:
            name, initial = variant["VariantName"], int(variant["InitialInstanceCount"])
            types = types_of(variant)
            software = terms.software_of(name)
            volume = variant.get("VolumeSizeInGB")
            per_type = [prices.instance(one).amount + _volume(one, volume, prices) for one in types]
            least, most = bounds.get(name, (initial, initial))
            yield Fleet(name, types, least, most, Amount.one_of(per_type), software)


def types_of(variant: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the types that a variant of an endpoint config may get, by priority."""
    pools = sorted(variant.get("InstancePools", []), key=lambda pool: int(pool["Priority"]))
    return tuple(pool["InstanceType"] for pool in pools) or (variant["InstanceType"],)


def _volume(instance_type: str, size: int | None, prices: PriceList) -> Amount:
    """Return what an instance's volume costs an hour; only types without NVMe storage have a billed one."""
    kind = instance_types().get(instance_type)
    if not size or (kind and kind.local_nvme):
        return Amount()
    return prices.of("endpoint_volume").amount.times(size / MONTH_HOURS)


def _bounds(template: Template) -> dict[str, tuple[int, int]]:
    """Return the fewest and the most instances of each variant that is scaled, at any time."""
    found = {}
    for resource in template.get("Resources", {}).values():
        if resource["Type"] == _TARGET:
            target = resource["Properties"]
            actions = [one.get("ScalableTargetAction", {}) for one in target.get("ScheduledActions", [])]
            least = min(int(one["MinCapacity"]) for one in [target, *actions] if "MinCapacity" in one)
            most = max(int(one["MaxCapacity"]) for one in [target, *actions] if "MaxCapacity" in one)
            found[target["ResourceId"].rpartition("/")[2]] = (least, most)
    return found
