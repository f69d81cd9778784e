"""What deploying a changed template does to each resource: computed offline, from the templates of before and after.

CloudFormation replaces a resource when a create-only property changes. A property changes when its value does, or when
it refers to a resource that is replaced, or to a parameter, condition or mapping that changes. Which properties are
create-only is in CloudFormation's resource schemas, of which cfn-lint carries a copy.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, TypeAlias

Template: TypeAlias = Mapping[str, Any]
Effect: TypeAlias = Literal["created", "updated", "replaced", "deleted"]

CONFIG: Final = "AWS::SageMaker::EndpointConfig"
ENDPOINT: Final = "AWS::SageMaker::Endpoint"
_TARGET: Final = "AWS::ApplicationAutoScaling::ScalableTarget"

# Functions whose argument, or its first member, is a name of the template.
_FUNCTIONS_OF_NAMES: Final = ("Ref", "Fn::GetAtt", "Fn::If", "Fn::FindInMap", "Condition")
# ${!Name} stands for the text ${Name}.
_VARIABLE: Final = re.compile(r"\$\{([^!{}][^{}]*)\}")

_LOST: Final = {
    ENDPOINT: "the endpoint of that name is gone; another one is made",
    "AWS::Logs::LogGroup": "the logs in it are lost",
    "AWS::S3::Bucket": "the objects in it are lost",
    "AWS::KMS::Key": "what it encrypted can no longer be read",
    "AWS::Lambda::Url": "callers have to learn another URL",
    "AWS::ApiGateway::RestApi": "callers have to learn another URL",
    "AWS::ApiGateway::DomainName": "callers have to learn another URL",
    "AWS::ApiGateway::ApiKey": "its client is denied access",
    "AWS::ApiGateway::UsagePlan": "its keys are denied access",
}


@dataclass(frozen=True)
class Change:
    """What happens to one resource.

    Attributes:
        logical_id: its id in the template.
        type: e.g. ``AWS::SageMaker::Endpoint``.
        effect: what happens.
        properties: the properties that make it happen, in alphabetical order; none when it is created or deleted.
        retained: whether CloudFormation leaves the old one where it is.

    """

    logical_id: str
    type: str
    effect: Effect
    properties: tuple[str, ...] = ()
    retained: bool = False

    @property
    def loss(self) -> str:
        """Return what is lost by it; empty when nothing is."""
        gone = self.effect in ("replaced", "deleted") and not self.retained
        return _LOST.get(self.type, "") if gone else ""


def changes(before: Template, after: Template) -> list[Change]:
    """Return what happens to each resource that does not stay as it is, in the order of their ids."""
    old: Mapping[str, Any] = before.get("Resources", {})
    new: Mapping[str, Any] = after.get("Resources", {})
    changed = _changed_inputs(before, after)
    while True:  # a replaced resource has another name, which changes those that refer to it
        found = list(_pass(old, new, changed))
        replaced = {change.logical_id for change in found if change.effect == "replaced"}
        if replaced <= changed:
            return sorted(found, key=lambda change: change.logical_id)
        changed |= replaced


def makes_new_fleet(found: Collection[Change]) -> bool:
    """Return whether SageMaker starts a second fleet beside the first: twice the instances, the quota and the price."""
    return any(change.type == ENDPOINT and "EndpointConfigName" in change.properties for change in found)


def refused(before: Template, after: Template) -> list[str]:
    """Return why SageMaker would refuse the update although each template by itself is right.

    A variant cannot get another instance type, or go, while it is registered for autoscaling, and CloudFormation
    changes the endpoint before it registers anew. Source:
    docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html.
    """
    if not _registered(before):
        return []
    types_after = _types(after)
    return [
        f"variant {name}: {', '.join(types)} cannot become {', '.join(types_after.get(name, ())) or 'nothing'} while "
        "autoscaling is on: deploy without `autoscaling` first, then with the new type and `autoscaling` again"
        for name, types in _types(before).items()
        if name in _registered(before) and types_after.get(name) != types
    ]


def _changed_inputs(before: Template, after: Template) -> set[str]:
    """Return the parameters with another default, the mappings that differ, and the conditions that depend on them.

    A stack keeps the value that a parameter was deployed with, unless the deployment sets it; which stacks have which
    value is not known offline, so a changed default counts as a changed value.
    """
    changed = {
        name
        for section in ("Parameters", "Mappings")
        for name in {**before.get(section, {}), **after.get(section, {})}
        if _value(before, section, name) != _value(after, section, name)
    }
    conditions: Mapping[str, Any] = after.get("Conditions", {})
    size = -1
    while size < len(changed):
        size = len(changed)
        for name, condition in conditions.items():
            if before.get("Conditions", {}).get(name) != condition or changed & set(_references(condition)):
                changed.add(name)
    return changed


def _value(template: Template, section: str, name: str) -> Any:  # noqa: ANN401 - JSON
    found = template.get(section, {}).get(name)
    return (found or {}).get("Default") if section == "Parameters" else found


def _pass(old: Mapping[str, Any], new: Mapping[str, Any], moved: Collection[str]) -> Iterator[Change]:
    for logical_id in {**old, **new}:
        one, other = old.get(logical_id), new.get(logical_id)
        if other is None:
            yield Change(logical_id, old[logical_id]["Type"], "deleted", retained=_retained(one, "DeletionPolicy"))
        elif one is None:
            yield Change(logical_id, other["Type"], "created")
        else:
            properties = _changed(one.get("Properties", {}), other.get("Properties", {}), moved)
            kept = _retained(other, "UpdateReplacePolicy")
            if one["Type"] != other["Type"] or _replaces(one, other, properties):
                yield Change(logical_id, other["Type"], "replaced", properties, kept)
            elif properties:
                yield Change(logical_id, other["Type"], "updated", properties)


def _replaces(one: Mapping[str, Any], other: Mapping[str, Any], properties: Collection[str]) -> bool:
    """Return whether one of the changed properties is create-only; of a nested one, whether itself changed."""
    for first, *inner in create_only(one["Type"]):
        if first in properties:
            old, new = one["Properties"].get(first), other["Properties"].get(first)
            if not inner or _member(old, inner) != _member(new, inner):
                return True
    return False


def _member(value: Any, path: Iterable[str]) -> Any:  # noqa: ANN401 - JSON
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _retained(resource: Any, policy: str) -> bool:  # noqa: ANN401 - JSON
    return bool(resource[policy] == "Retain") if policy in resource else False


def _changed(old: Mapping[str, Any], new: Mapping[str, Any], moved: Collection[str]) -> tuple[str, ...]:
    names = sorted({*old, *new})
    return tuple(n for n in names if old.get(n) != new.get(n) or any(ref in moved for ref in _references(new.get(n))))


def _references(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield the names that a value refers to: resources, parameters, mappings and conditions."""
    if isinstance(value, Mapping):
        for function in _FUNCTIONS_OF_NAMES:
            if function in value:
                argument = value[function]
                first = argument[0] if isinstance(argument, list) and argument else argument
                yield str(first).partition(".")[0]
        if "Fn::Sub" in value:
            yield from _substituted(value["Fn::Sub"])
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)


def _substituted(argument: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield the names in ``${Name}`` and ``${Name.Attribute}`` that are not variables of the ``Fn::Sub`` itself."""
    text, variables = (argument[0], argument[1]) if isinstance(argument, list) else (argument, {})
    for name in _VARIABLE.findall(str(text)):
        if name.strip() not in variables:
            yield name.strip().partition(".")[0]


def _types(template: Template) -> dict[str, tuple[str, ...]]:
    """Return the instance types of each variant by its name."""
    return {
        variant["VariantName"]: tuple(pool["InstanceType"] for pool in variant.get("InstancePools", []))
        or (variant["InstanceType"],)
        for resource in template.get("Resources", {}).values()
        if resource["Type"] == CONFIG
        for variant in resource["Properties"]["ProductionVariants"]
    }


def _registered(template: Template) -> set[str]:
    """Return the variants that are registered for autoscaling."""
    return {
        resource["Properties"]["ResourceId"].rpartition("/")[2]
        for resource in template.get("Resources", {}).values()
        if resource["Type"] == _TARGET
    }


@cache
def create_only(resource_type: str) -> frozenset[tuple[str, ...]]:
    """Return the paths of the properties whose change replaces a resource of a type; most have one part."""
    if resource_type.startswith("Custom::"):
        return frozenset({("ServiceToken",)})
    # Not at the top: it takes a second, and is a development dependency.
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    return frozenset(tuple(path.split("/")[2:]) for path in schema.get("createOnlyProperties", []))
