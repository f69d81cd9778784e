"""A local cloud for each worker, deployed as `make demo` deploys it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest
from rich.console import Console

from endpointctl.proxy import Proxy
from local_aws import cloud
from local_aws.cloud import Cloud
from local_aws.demo import connect
from local_aws.journey import Journey, StepError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_sagemaker import SageMakerClient
    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient


@dataclass(frozen=True)
class Deployed:
    """The deployed environment and the clients that ask it."""

    cloud: Cloud
    journey: Journey
    proxy: Proxy

    @property
    def sagemaker(self) -> "SageMakerClient":
        return boto3.client("sagemaker")

    @property
    def runtime(self) -> "SageMakerRuntimeClient":
        return boto3.client("sagemaker-runtime")

    @property
    def cloudformation(self) -> "CloudFormationClient":
        return boto3.client("cloudformation")


@pytest.fixture(scope="session")
def deployed() -> Iterator[Deployed]:
    with pytest.MonkeyPatch.context() as patch, cloud.running(endpoint_seconds=0.3) as local:
        for name, value in local.variables().items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        journey = Journey(local, Console())
        try:
            journey.bootstrap()
            journey.deploy()
        except StepError as error:
            pytest.fail(f"{error}\n{error.output}")
        yield Deployed(local, journey, connect(local))
        journey.destroy()
        assert boto3.client("sagemaker").list_endpoints()["Endpoints"] == []
        assert boto3.client("sagemaker").list_endpoint_configs()["EndpointConfigs"] == []
        assert boto3.client("sagemaker").list_models()["Models"] == []
