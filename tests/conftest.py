"""Fixtures of several folders: a deployed local cloud, and the assemblies of the app with all validation on."""

import contextlib
import functools
import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import botocore.session
import pytest
from rich.console import Console

from local_aws.conditions import Conditions, set_conditions
from local_aws.runner import snapshot
from local_aws.runner.demo import connect
from local_aws.runner.journey import Journey, StepError
from stacks.settings import ENVIRONMENTS
from tests.support.clients import Clients
from tests.support.cloud import Deployed, Stacks, make_what_others_own
from tests.support.templates import EXAMPLES, Content, Templates, content_of, shared_assembly, templates_in


@pytest.fixture(scope="session", autouse=True)
def _one_reading_of_the_sdks_data() -> Iterator[None]:
    """Read the SDK's data once, not for each session: that is most of what a client costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield


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


@pytest.fixture(scope="session")
def clients() -> Iterator[Clients]:
    """The official clients, in processes of their own."""
    started = Clients()
    yield started
    started.end()


@pytest.fixture
def deep_nesting() -> Iterator[None]:
    """Let no collector run while a parser recurses to Python's limit: a finalizer would fail there."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def account(deployed: Deployed) -> Iterator[Callable[[Conditions], None]]:
    """Sets the account's conditions, for one test."""
    path = deployed.cloud.conditions
    yield lambda conditions: set_conditions(conditions, path)
    path.unlink(missing_ok=True)


@pytest.fixture
def local(deployed: Deployed) -> Stacks:
    """The stacks of the deployed environment."""
    return Stacks("local")


@pytest.fixture(scope="module")
def dev(deployed: Deployed) -> Stacks:
    """The stacks of the environment ``dev``, not deployed yet, and what others own in its account."""
    make_what_others_own()
    return Stacks("dev")


@pytest.fixture
def content() -> Content:
    """The file of the deployed environment."""
    return content_of(ENVIRONMENTS / "local.yaml")


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the environments' assembly."""
    return shared_assembly(tmp_path_factory, "assembly", None)


@pytest.fixture(scope="session")
def example_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the assembly of docs/examples, used as environments."""
    return shared_assembly(tmp_path_factory, "examples", sorted(EXAMPLES.glob("*.yaml")))


@pytest.fixture(scope="session")
def templates(assembly: Path, example_assembly: Path) -> Templates:
    """Return every template of the environments and of the examples by ``environment/stack``."""
    return {**templates_in(assembly), **templates_in(example_assembly)}
