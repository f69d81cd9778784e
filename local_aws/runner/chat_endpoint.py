"""A chat endpoint beside the deployed environment, as another team would have it in the same account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3

from local_aws.runner.cloud import REGION
from sagemaker_llm import ModelPackage
from sagemaker_llm.limits import COHERE_AMI

NAME: Final = "cohere-demo-chat"
MODEL: Final = "command-r-08-2024"
_INSTANCE: Final = "ml.p5.48xlarge"


@contextmanager
def running() -> Iterator[None]:
    """Make the endpoint, with the role of the deployed model, and delete it afterwards."""
    sagemaker = boto3.client("sagemaker", region_name=REGION)
    (deployed,) = sagemaker.list_models()["Models"]
    role = sagemaker.describe_model(ModelName=deployed["ModelName"])["ExecutionRoleArn"]
    package = ModelPackage.from_catalog(MODEL, _INSTANCE, REGION)
    container: Any = {"ModelPackageName": package.arn}
    sagemaker.create_model(
        ModelName=NAME, ExecutionRoleArn=role, PrimaryContainer=container, EnableNetworkIsolation=True
    )
    variant: Any = {
        "VariantName": "AllTraffic",
        "ModelName": NAME,
        "InstanceType": _INSTANCE,
        "InitialInstanceCount": 1,
        "InferenceAmiVersion": COHERE_AMI,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=NAME, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    wait: Any = {"Delay": 1, "MaxAttempts": 30}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig=wait)
    try:
        yield
    finally:
        sagemaker.delete_endpoint(EndpointName=NAME)
        sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=NAME, WaiterConfig=wait)
        sagemaker.delete_endpoint_config(EndpointConfigName=NAME)
        sagemaker.delete_model(ModelName=NAME)
