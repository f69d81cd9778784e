"""Endpoints beside the deployed environment, as other teams have them in the same account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import boto3

from local_aws.runner.cloud import REGION
from sagemaker_llm.limits import COHERE_AMI

_WAIT: Final[Any] = {"Delay": 1, "MaxAttempts": 30}


def make(name: str, package_arn: str, instance_type: str) -> None:
    """Begin to make an endpoint, with the role of a model that is deployed.

    Args:
        name: the name of the endpoint, its config and its model.
        package_arn: the model's package.
        instance_type: a GPU type that the package runs on.

    """
    sagemaker = boto3.client("sagemaker", region_name=REGION)
    deployed = sagemaker.list_models()["Models"][0]["ModelName"]
    container: Any = {"ModelPackageName": package_arn}
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=sagemaker.describe_model(ModelName=deployed)["ExecutionRoleArn"],
        PrimaryContainer=container,
        EnableNetworkIsolation=True,
    )
    variant: Any = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": instance_type,
        "InitialInstanceCount": 1,
        "InferenceAmiVersion": COHERE_AMI,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def wait_for(names: Iterable[str]) -> None:
    """Wait until endpoints are in service."""
    sagemaker = boto3.client("sagemaker", region_name=REGION)
    for name in names:
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=_WAIT)


def delete(name: str) -> None:
    """Delete an endpoint, its config and its model."""
    sagemaker = boto3.client("sagemaker", region_name=REGION)
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=_WAIT)
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_model(ModelName=name)
