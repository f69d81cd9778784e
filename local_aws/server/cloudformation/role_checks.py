"""What a stack's service role must be allowed for the resource types that the local cloud adds.

Sources: the permissions of the types' handlers in CloudFormation's resource schemas, and the resource types of the
actions in docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html. Other types are not
checked, nor iam:PassRole for a model's role.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from local_aws.server import emulator, permissions

_SAGEMAKER: Final = {"Endpoint": "endpoint", "EndpointConfig": "endpoint-config", "Model": "model"}
_SCALING: Final = {
    "ScalableTarget": {
        "create": "RegisterScalableTarget",
        "update": "RegisterScalableTarget",
        "delete": "DeregisterScalableTarget",
    },
    "ScalingPolicy": {"create": "PutScalingPolicy", "update": "PutScalingPolicy", "delete": "DeleteScalingPolicy"},
}
_SESSION: Final = "AWSCloudFormation"


def check(role: str, action: str, type_: str, name: str, properties: Mapping[str, Any], stack: str) -> None:
    """Refuse a step that the role's policies do not allow.

    Args:
        role: the ARN of the stack's role.
        action: ``create``, ``update`` or ``delete``.
        type_: the resource's type.
        name: the physical id, or the logical id of a creation.
        properties: the new properties, or those of what is deleted.
        stack: the stack's name.

    Raises:
        ValueError: the event's reason.

    """
    for operation, arns in _needed(action, type_, name, properties, stack):
        # All targets here are SageMaker's.
        keys = {"application-autoscaling:service-namespace": "sagemaker"} if ":scalable-target/" in arns[0] else {}
        if denied := permissions.denied_to_role(role, _SESSION, operation, arns, keys):
            service = "SageMaker" if operation.startswith("sagemaker:") else "ApplicationAutoScaling"
            raise ValueError(f"{denied} (Service: {service}, Status Code: 400, AccessDeniedException)")


def _needed(
    action: str, type_: str, name: str, properties: Mapping[str, Any], stack: str
) -> Iterator[tuple[str, tuple[str, ...]]]:
    _, service, title = f"{type_}::".split("::")[:3]
    if service == "ApplicationAutoScaling" and title in _SCALING:
        arn = _arn("application-autoscaling", "scalable-target", "*")
        yield f"application-autoscaling:{_SCALING[title][action]}", (arn,)
    if service != "SageMaker" or title not in _SAGEMAKER:
        return
    arn = name
    if action == "create":
        own = properties.get(f"{title}Name") or emulator.generated_name(stack, name)
        arn = _arn("sagemaker", _SAGEMAKER[title], str(own).lower())
    used: tuple[str, ...] = (arn,)
    if title == "Endpoint" and action != "delete":
        used = (arn, _arn("sagemaker", "endpoint-config", str(properties["EndpointConfigName"]).lower()))
    if title == "Endpoint" or action != "update":  # a model or an endpoint config changes its tags only
        yield f"sagemaker:{action.capitalize()}{title}", used
    if title == "Endpoint":
        yield "sagemaker:DescribeEndpoint", (arn,)
    if action != "delete" and properties.get("Tags"):
        yield "sagemaker:AddTags", (arn,)


def _arn(service: str, kind: str, name: str) -> str:
    return f"arn:aws:{service}:{emulator.region()}:{emulator.account()}:{kind}/{name}"
