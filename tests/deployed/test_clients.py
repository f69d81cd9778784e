"""The newest official clients through a deployed proxy: every method and option, buffered and streamed."""

from collections.abc import Callable

import pytest

from local_aws.conditions import Conditions, Fault
from tests.clients.cases import CASES, Case
from tests.support.clients import Clients
from tests.support.cloud import Deployed
from tests.support.outcomes import ended, failed
from tests.support.served import BEARER, MODELS, Served, call_as, check, make_endpoints, serve


@pytest.fixture(scope="module")
def served(deployed: Deployed) -> Served:
    make_endpoints()
    return serve(deployed, "clients", rest_api=BEARER)


@pytest.mark.parametrize("case", [case for case in CASES if "newest" in case.environments], ids=str)
def test_a_call(case: Case, clients: Clients, served: Served) -> None:
    check(case, call_as(case, clients["newest"], served))


def test_no_client_repeats_what_may_have_run(
    clients: Clients, deployed: Deployed, served: Served, account: Callable[[Conditions], None]
) -> None:
    """One whole answer and one stream; every fault is in tests/proofs."""
    before = len(deployed.invocations)
    # Once: a second request would be answered.
    account(Conditions(faults=(Fault("ModelError500", times=1),)))
    result = clients["newest"].call("openai_sdk.chat", served.url, key=served.key, model=MODELS["chat"])
    assert failed(result) == (424, "model_failed")
    account(Conditions(faults=(Fault("StreamCutOff", times=1, after=3),)))
    result = clients["newest"].call("cohere_sdk.v2_chat_stream", served.url, key=served.key, model=MODELS["chat"])
    assert ended(result) == "connection_lost"
    assert len(deployed.invocations) - before == 2
