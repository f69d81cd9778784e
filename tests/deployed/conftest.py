"""A deployed local cloud for each file of tests."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml
from rich.console import Console

from endpointctl.proxy import Proxy
from local_aws import snapshot
from local_aws.cloud import Cloud
from local_aws.demo import connect
from local_aws.journey import CDK, Journey, StepError, run
from tests.templates.conftest import copy_of_the_app

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


class App:
    """A copy of the app, whose local environment a test changes and deploys as `make deploy` does.

    Attributes:
        content: what the environment's file says.

    """

    def __init__(self, deployed: Deployed, root: Path) -> None:
        self._environment = {**deployed.cloud.environment(), "PYTHONDONTWRITEBYTECODE": "1"}
        self._root = root
        self._file = root / "environments" / "local.yaml"
        self.content: dict[str, Any] = yaml.safe_load(self._file.read_text("utf-8"))

    def cdk(self, command: str, *options: str) -> str:
        """Run a command of the CDK on the endpoint's stack."""
        self._file.write_text(yaml.safe_dump(self.content), "utf-8")
        chosen = ["local/endpoint", "-c", "environment=local", "--ci", *options]
        return run([str(CDK), command, *chosen], self._environment, folder=self._root)

    def deploy(self) -> str:
        return self.cdk("deploy", "--exclusively", "--require-approval", "never")

    def fails(self) -> str:
        """Deploy, which has to fail; return what the command printed."""
        with pytest.raises(StepError) as caught:
            self.deploy()
        return caught.value.output


@pytest.fixture
def app(deployed: Deployed, tmp_path: Path) -> App:
    return App(deployed, copy_of_the_app(tmp_path / "app", checked=False))


def state(deployed: Deployed) -> tuple[str, str, str]:
    """Return the endpoint's status, its config, and its stack's status."""
    endpoint = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")
    stack = deployed.cloudformation.describe_stacks(StackName="cohere-local-endpoint")["Stacks"][0]
    return endpoint["EndpointStatus"], endpoint["EndpointConfigName"], stack["StackStatus"]


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    """A local cloud of its own for each file, as `make demo` deploys it: restored, not deployed."""
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        try:
            local = stack.enter_context(snapshot.deployed())
        except StepError as error:
            pytest.fail(f"{error}\n{error.output}")
        for name, value in local.variables().items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        yield Deployed(local, Journey(local, Console()), connect(local))
