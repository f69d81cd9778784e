"""SageMaker's CloudFormation types, each on top of the same operations that the SDK calls."""

from __future__ import annotations

import time
from typing import Any

from local_aws.server import emulator
from local_aws.server.emulator import Properties, ResourceType
from local_aws.server.errors import AwsError
from local_aws.server.request_validation import from_template
from local_aws.server.sagemaker.service import SageMaker

_UPDATE_ONLY = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "RetainDeploymentConfig")
_POLL_SECONDS = 0.05
# What drift detection compares.
_MODEL_PROPERTIES = frozenset(
    {"Containers", "EnableNetworkIsolation", "ExecutionRoleArn", "ModelName", "PrimaryContainer", "VpcConfig"}
)
_CONFIG_PROPERTIES = frozenset({"DataCaptureConfig", "EndpointConfigName", "KmsKeyId", "ProductionVariants"})


def resource_types(sagemaker: SageMaker) -> list[ResourceType]:
    """Return the three types, ready to be registered."""
    return [
        _named(sagemaker, "Model", _MODEL_PROPERTIES),
        _named(sagemaker, "EndpointConfig", _CONFIG_PROPERTIES),
        _endpoint(sagemaker),
    ]


def _call(sagemaker: SageMaker, operation: str, properties: Properties) -> Properties:
    """Call an operation as CloudFormation's handler does, and fail the resource with SageMaker's own message."""
    try:
        return sagemaker.call(operation, from_template("sagemaker", operation, properties))
    except AwsError as error:
        raise ValueError(f"{error.message} (Service: SageMaker, Status Code: {error.status}, {error.code})") from None


def _set_tags(sagemaker: SageMaker, arn: str, old: Properties, new: Properties) -> None:
    gone = {tag["Key"] for tag in old.get("Tags", [])} - {tag["Key"] for tag in new.get("Tags", [])}
    if gone:
        _call(sagemaker, "DeleteTags", {"ResourceArn": arn, "TagKeys": sorted(gone)})
    if new.get("Tags"):
        _call(sagemaker, "AddTags", {"ResourceArn": arn, "Tags": new["Tags"]})


def _named(sagemaker: SageMaker, title: str, readable: frozenset[str]) -> ResourceType:
    """Return the type of a model or of an endpoint config: an update of either changes only its tags."""
    name_key, arn_key, type_name = f"{title}Name", f"{title}Arn", f"AWS::SageMaker::{title}"

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Properties]:
        name = properties.get(name_key) or emulator.generated_name(stack_name, logical_id)
        arn = _call(sagemaker, f"Create{title}", {**properties, name_key: name})[arn_key]
        return arn, {name_key: name, arn_key: arn, "Id": arn}

    def update(arn: str, old: Properties, new: Properties, _stack_name: str) -> tuple[str, Properties]:
        _set_tags(sagemaker, arn, old, new)
        name = _name_of(arn)
        return arn, {name_key: name, arn_key: arn, "Id": arn}

    def _name_of(arn: str) -> str:
        kept: list[dict[str, Any]] = sagemaker.call(f"List{title}s", {})[f"{title}s"]
        return next((str(one[name_key]) for one in kept if one[arn_key] == arn), "")

    def delete(arn: str, _properties: Properties) -> None:
        # CloudFormation's handlers count "not found" as deleted.
        if name := _name_of(arn):
            _call(sagemaker, f"Delete{title}", {name_key: name})

    def read(arn: str, _properties: Properties) -> Properties | None:
        name = _name_of(arn)
        return sagemaker.call(f"Describe{title}", {name_key: name}) if name else None

    return ResourceType(type_name, create, update, delete, read, readable)


def _endpoint(sagemaker: SageMaker) -> ResourceType:
    def attributes(arn: str, name: str) -> Properties:
        return {"EndpointName": name, "EndpointArn": arn, "Id": arn}

    def settle(name: str) -> str:
        """Wait until the endpoint is no longer busy, as CloudFormation does; return why its last change failed."""
        while (endpoint := sagemaker.endpoint(name)).status not in ("InService", "Failed"):
            time.sleep(_POLL_SECONDS)
        return endpoint.failure_reason

    def exists(name: str) -> bool:
        try:
            return bool(sagemaker.endpoint(name))
        except AwsError:
            return False

    def gone(name: str) -> None:
        """Delete the endpoint and wait until it is gone; accept that it was gone before, and nothing else."""
        if not exists(name):
            return
        _call(sagemaker, "DeleteEndpoint", {"EndpointName": name})
        while exists(name):
            time.sleep(_POLL_SECONDS)

    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Properties]:
        name = properties.get("EndpointName") or emulator.generated_name(stack_name, logical_id)
        request = {k: v for k, v in properties.items() if k not in _UPDATE_ONLY}
        arn = _call(sagemaker, "CreateEndpoint", {**request, "EndpointName": name})["EndpointArn"]
        if reason := settle(name):
            # MiniStack does not delete what failed to be created, as CloudFormation does.
            gone(name)
            raise ValueError(f"Resource of type 'AWS::SageMaker::Endpoint' did not stabilize: {reason}")
        return arn, attributes(arn, name)

    def update(arn: str, old: Properties, new: Properties, _stack_name: str) -> tuple[str, Properties]:
        name = arn.rpartition("/")[2]
        if {k: v for k, v in old.items() if k != "Tags"} != {k: v for k, v in new.items() if k != "Tags"}:
            request = {k: v for k, v in new.items() if k != "Tags"}
            _call(sagemaker, "UpdateEndpoint", {**request, "EndpointName": name})
            if reason := settle(name):
                # SageMaker is back at the former config by itself.
                raise ValueError(f"Resource of type 'AWS::SageMaker::Endpoint' did not stabilize: {reason}")
        _set_tags(sagemaker, arn, old, new)
        return arn, attributes(arn, new.get("EndpointName", name))

    def delete(arn: str, _properties: Properties) -> None:
        gone(arn.rpartition("/")[2])

    def read(arn: str, _properties: Properties) -> Properties | None:
        try:
            return sagemaker.call("DescribeEndpoint", {"EndpointName": arn.rpartition("/")[2]})
        except AwsError:
            return None

    name = "AWS::SageMaker::Endpoint"
    readable = frozenset({"EndpointName", "EndpointConfigName"})
    return ResourceType(name, create, update, delete, read, readable, waits=True)
