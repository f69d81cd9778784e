"""Application Auto Scaling's two CloudFormation types: kept and described, but nothing is ever scaled.

What is registered matters all the same: SageMaker refuses to change the instance type of a variant that is.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from local_aws import emulator
from local_aws.create_only import CREATE_ONLY
from local_aws.emulator import Properties, ResourceType

_TYPES = ("AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy")


class Registry:
    """What is registered, of every account and region."""

    def __init__(self) -> None:
        self._kept: dict[str, MutableMapping[str, Properties]] = {name: emulator.store() for name in _TYPES}

    def has_target(self, endpoint_name: str, variant_name: str) -> bool:
        """Return whether a variant is registered as a scalable target."""
        wanted = f"endpoint/{endpoint_name}/variant/{variant_name}"
        return any(target["ResourceId"] == wanted for target in self._kept[_TYPES[0]].values())

    def resource_types(self) -> list[ResourceType]:
        """Return the two types, ready to be registered."""
        return [_kept(name, resources) for name, resources in self._kept.items()]


def _kept(name: str, resources: MutableMapping[str, Properties]) -> ResourceType:
    def create(_logical_id: str, properties: Properties, _stack_name: str) -> tuple[str, Properties]:
        identity = _identity(name, properties)
        if identity in resources:
            raise ValueError(f"{identity} already exists")
        resources[identity] = properties
        return identity, {"Id": identity, "Arn": identity}

    def update(identity: str, _old: Properties, new: Properties, _stack_name: str) -> tuple[str, Properties]:
        resources[identity] = new
        return identity, {"Id": identity, "Arn": identity}

    def delete(identity: str, _properties: Properties) -> None:
        resources.pop(identity, None)

    def read(identity: str, _properties: Properties) -> Properties | None:
        return resources.get(identity)

    readable = frozenset({"MinCapacity", "MaxCapacity"}) if name.endswith("ScalableTarget") else frozenset[str]()
    return ResourceType(name, create, update, delete, read, readable, CREATE_ONLY[name])


def _identity(name: str, properties: Properties) -> str:
    """Return what Ref gives: the target's three-part id, or the policy's ARN."""
    if name.endswith("ScalableTarget"):
        return "|".join(properties[key] for key in CREATE_ONLY[name])
    account, region = emulator.account(), emulator.region()
    return f"arn:aws:autoscaling:{region}:{account}:scalingPolicy:local:policyName/{properties['PolicyName']}"
