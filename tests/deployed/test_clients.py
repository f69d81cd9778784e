"""The newest official clients through a deployed proxy: every method and option, buffered and streamed."""

import pytest

from tests.clients.cases import CASES, Case
from tests.support.clients import Clients
from tests.support.cloud import Deployed
from tests.support.served import BEARER, Served, call_as, check, make_endpoints, serve


@pytest.fixture(scope="module")
def served(deployed: Deployed) -> Served:
    make_endpoints(deployed)
    return serve(deployed, "clients", rest_api=BEARER)


@pytest.mark.parametrize("case", [case for case in CASES if "newest" in case.environments], ids=str)
def test_a_call(case: Case, clients: Clients, served: Served) -> None:
    check(case, call_as(case, clients["newest"], served))
