"""Fixtures of the proofs of pipelines, and of those of clients."""

from collections.abc import Iterator

import pytest

from tests.support import dialects
from tests.support.cloud import Deployed
from tests.support.pipelines import Pipelines, files
from tests.support.scripted import ScriptedServer


@pytest.fixture(scope="module")
def team(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Pipelines:
    """A team's repository, and an account in which an administrator made the pipelines' roles."""
    pipelines = Pipelines(deployed.cloud, tmp_path_factory.mktemp("team"))
    pipelines.create(files())
    pipelines.make_roles()
    return pipelines


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    """A server with the proxy's routes, for the facts of the clients."""
    started = ScriptedServer(dialects.answer)
    yield started
    started.stop()
