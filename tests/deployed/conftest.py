"""A deployed local cloud for each file of tests."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml
from rich.console import Console

from endpointctl.client import Client
from endpointctl.failure import Failure
from local_aws.conditions import Conditions, set_conditions
from local_aws.runner import snapshot
from local_aws.runner.cloud import Cloud
from local_aws.runner.demo import connect
from local_aws.runner.journey import CDK, Journey, StepError, run
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
    proxy: Client

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
        root: the copy's folder.

    """

    def __init__(self, deployed: Deployed, root: Path) -> None:
        self._environment = {**deployed.cloud.environment(), "PYTHONDONTWRITEBYTECODE": "1"}
        self.root = root
        self._file = root / "environments" / "local.yaml"
        self.content: dict[str, Any] = yaml.safe_load(self._file.read_text("utf-8"))

    def cdk(self, command: str, *options: str, stack: str = "endpoint") -> str:
        """Run a command of the CDK on one of the two stacks."""
        self._file.write_text(yaml.safe_dump(self.content), "utf-8")
        chosen = [f"local/{stack}", "-c", "environment=local", "--ci", *options]
        return run([str(CDK), command, *chosen], self._environment, folder=self.root)

    def deploy(self, stack: str = "endpoint") -> str:
        return self.cdk("deploy", "--exclusively", "--require-approval", "never", stack=stack)

    def fails(self, stack: str = "endpoint") -> str:
        """Deploy, which has to fail; return what the command printed."""
        with pytest.raises(StepError) as caught:
            self.deploy(stack)
        return caught.value.output


@pytest.fixture
def account(deployed: Deployed) -> Iterator[Callable[[Conditions], None]]:
    """Sets what the account has and has not, for one test."""
    path = deployed.cloud.conditions
    yield lambda conditions: set_conditions(conditions, path)
    path.unlink(missing_ok=True)


@pytest.fixture
def app(deployed: Deployed, tmp_path: Path) -> App:
    return App(deployed, copy_of_the_app(tmp_path / "app", checked=False))


@contextlib.contextmanager
def callers(proxy: Client, number: int = 2) -> Iterator[list[str]]:
    """Keep asking; yield the list of what went wrong, and of "answered"."""
    told: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                proxy.generate(prompt="hello", max_tokens=1)
                told.append("answered")
            except Failure as failure:
                told.append(str(failure))

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        stop.set()
        for thread in threads:
            thread.join()


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
