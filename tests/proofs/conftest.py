"""Fixtures of the proofs of pipelines."""

import pytest

from tests.support.cloud import Deployed
from tests.support.pipelines import Pipelines, files


@pytest.fixture(scope="module")
def team(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Pipelines:
    """A team's repository, and an account in which an administrator made the pipelines' roles."""
    pipelines = Pipelines(deployed.cloud, tmp_path_factory.mktemp("team"))
    pipelines.create(files())
    pipelines.make_roles()
    return pipelines
