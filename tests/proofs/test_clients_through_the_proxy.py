"""Every method and option of the official clients through a deployed proxy.

Those of the newest clients through the REST API with bearer keys are in tests/deployed/test_clients.py.
"""

import pytest

from tests.clients.cases import CASES, Case
from tests.support.clients import Clients
from tests.support.cloud import Deployed
from tests.support.served import BEARER, Served, call_as, check, make_endpoints, serve, signer

FREE_JSON = "langchain.with_structured_output-method"
"""It asks for JSON without a schema: the stand-in's has other members than LangChain looks for."""
OTHERS = [(name, case) for case in CASES for name in case.environments if name != "newest"]


@pytest.fixture(scope="module")
def endpoints(deployed: Deployed) -> Deployed:
    make_endpoints(deployed)
    return deployed


@pytest.fixture(scope="module")
def with_keys(endpoints: Deployed) -> Served:
    return serve(endpoints, "clients", rest_api=BEARER)


@pytest.fixture(scope="module")
def with_iam(endpoints: Deployed) -> Served:
    return serve(endpoints, "signing")


@pytest.mark.parametrize(("environment", "case"), OTHERS, ids=str)
def test_a_call_with_a_key(environment: str, case: Case, clients: Clients, with_keys: Served) -> None:
    result = call_as(case, clients[environment], with_keys)
    if str(case) == FREE_JSON:
        assert result.failure()["class"] == "OutputParserException"
    else:
        check(case, result)


@pytest.mark.parametrize("case", [case for case in CASES if "newest" in case.environments], ids=str)
def test_a_signed_call_to_the_function_url(case: Case, clients: Clients, with_iam: Served) -> None:
    check(case, call_as(case, clients["newest"], with_iam, auth=signer()))
