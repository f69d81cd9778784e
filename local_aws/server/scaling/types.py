"""CloudFormation's types of Application Auto Scaling, on top of the operations that the SDK calls."""

from __future__ import annotations

from local_aws.server.emulator import Properties, ResourceType
from local_aws.server.errors import AwsError
from local_aws.server.json_api import Answer, Request
from local_aws.server.request_validation import check, from_template
from local_aws.server.resource_schemas import SCALABLE_TARGET_IDENTIFIER
from local_aws.server.scaling.service import SERVICE, Scaling


def resource_types(scaling: Scaling) -> list[ResourceType]:
    """Return the two types, ready to be registered."""
    return [_target_type(scaling), _policy_type(scaling)]


def _call(scaling: Scaling, operation: str, properties: Properties) -> Answer:
    try:
        return scaling.api.call(operation, from_template(SERVICE, operation, properties))
    except AwsError as error:
        raise ValueError(
            f"{error.message} (Service: ApplicationAutoScaling, Status Code: {error.status}, {error.code})"
        ) from None


def _check_schedule(action: Request) -> None:
    """Refuse a scheduled action that the API would refuse. Scheduled actions do not run."""
    try:
        check(SERVICE, "PutScheduledAction", from_template(SERVICE, "PutScheduledAction", action))
    except AwsError as error:
        raise ValueError(str(error.message)) from None


def _target_type(scaling: Scaling) -> ResourceType:
    def put(properties: Properties) -> tuple[str, Properties]:
        for action in properties.get("ScheduledActions", []):
            _check_schedule({**{key: properties[key] for key in SCALABLE_TARGET_IDENTIFIER}, **action})
        # CloudFormation has a list of tags, the API a map.
        left_out = ("ScheduledActions", "RoleARN", "Tags")
        request = {key: value for key, value in properties.items() if key not in left_out}
        _call(scaling, "RegisterScalableTarget", request)
        name = "|".join(properties[key] for key in SCALABLE_TARGET_IDENTIFIER)
        return name, {"Id": name}

    def create(_logical_id: str, properties: Properties, _stack: str) -> tuple[str, Properties]:
        if scaling.target(properties["ResourceId"]):
            raise ValueError(f"{properties['ResourceId']} already exists")
        return put(properties)

    def delete(name: str, _properties: Properties) -> None:
        request = dict(zip(SCALABLE_TARGET_IDENTIFIER, name.split("|"), strict=True))
        if scaling.target(request["ResourceId"]):
            _call(scaling, "DeregisterScalableTarget", request)

    return ResourceType(
        name="AWS::ApplicationAutoScaling::ScalableTarget",
        create=create,
        update=lambda _name, _old, new, _stack: put(new),
        delete=delete,
        read=lambda name, _properties: scaling.target(name.split("|")[0]),
        readable=frozenset({"MinCapacity", "MaxCapacity"}),
    )


def _policy_type(scaling: Scaling) -> ResourceType:
    def put(properties: Properties) -> tuple[str, Properties]:
        request = {key: value for key, value in properties.items() if key != "ScalingTargetId"}
        if "ScalingTargetId" in properties:
            request |= zip(SCALABLE_TARGET_IDENTIFIER, properties["ScalingTargetId"].split("|"), strict=True)
        arn = _call(scaling, "PutScalingPolicy", request)["PolicyARN"]
        return arn, {"Arn": arn, "Id": arn}

    return ResourceType(
        name="AWS::ApplicationAutoScaling::ScalingPolicy",
        create=lambda _logical_id, properties, _stack: put(properties),
        update=lambda _arn, _old, new, _stack: put(new),
        delete=lambda arn, _properties: scaling.remove_policy(arn),
        read=lambda arn, _properties: scaling.policy(arn),
        readable=frozenset(),
    )
