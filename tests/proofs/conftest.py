"""Fixtures of the proofs of pipelines, and of those of clients."""

from collections.abc import Iterator

import pytest

from tests.support import dialects
from tests.support.cloud import Deployed
from tests.support.pipelines import Pipelines, files
from tests.support.scripted import ScriptedServer
from tests.support.served import BEARER, Served, make_endpoints, serve


@pytest.fixture(scope="module")
def team(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Pipelines:
    """A team's repository, and an account in which an administrator made the pipelines' roles."""
    pipelines = Pipelines(deployed.cloud, tmp_path_factory.mktemp("team"))
    pipelines.create(files())
    pipelines.make_roles()
    return pipelines


@pytest.fixture(scope="module")
def endpoints(deployed: Deployed) -> Deployed:
    """The local cloud, with a chat, an embed and a rerank endpoint."""
    make_endpoints()
    return deployed


@pytest.fixture(scope="module")
def served(endpoints: Deployed) -> Served:
    """A streaming proxy in front of the three, behind a REST API with keys."""
    return serve(endpoints, "clients", rest_api=BEARER)


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    """A server with the proxy's routes, for the facts of the clients."""
    started = ScriptedServer(dialects.answer)
    yield started
    started.stop()
