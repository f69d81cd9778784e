"""Every method and option of the official clients through a deployed proxy.

Those of the newest clients through the REST API with bearer keys are in tests/deployed/test_clients.py.
"""

import json
from collections.abc import Callable

import pytest

from local_aws.conditions import Conditions, Fault
from tests.clients.cases import CASES, Case
from tests.support.clients import Clients
from tests.support.cloud import Deployed
from tests.support.served import MODELS, Served, call_as, check, serve, signer

FREE_JSON = "langchain.with_structured_output-method"
"""It asks for JSON without a schema: the stand-in's has other members than LangChain looks for."""
OTHERS = [(name, case) for case in CASES for name in case.environments if name != "newest"]


@pytest.fixture(scope="module")
def with_iam(endpoints: Deployed) -> Served:
    return serve(endpoints, "signing")


@pytest.mark.parametrize(("environment", "case"), OTHERS, ids=str)
def test_a_call_with_a_key(environment: str, case: Case, clients: Clients, served: Served) -> None:
    result = call_as(case, clients[environment], served)
    if str(case) == FREE_JSON:
        assert result.failure()["class"] == "OutputParserException"
    else:
        check(case, result)


@pytest.mark.parametrize("case", [case for case in CASES if "newest" in case.environments], ids=str)
def test_a_signed_call_to_the_function_url(case: Case, clients: Clients, with_iam: Served) -> None:
    check(case, call_as(case, clients["newest"], with_iam, auth=signer()))


BROKEN_OFF = [
    ("oldest", "cohere_sdk.generate_stream", "connection_lost"),
    ("oldest", "cohere_sdk.chat_stream", "connection_lost"),
    ("oldest", "cohere_sdk.v2_chat_stream", "connection_lost"),
    ("oldest", "openai_sdk.chat_stream", "APIError"),
    ("node", "node.generate_stream", "connection_lost"),
    ("node", "node.chat_stream", "connection_lost"),
    ("node", "node.v2_chat_stream", "connection_lost"),
    ("frameworks", "langchain.stream", "ERROR"),
    ("frameworks", "langchain.openai_stream", "APIError"),
    ("frameworks", "litellm_sdk.openai_stream", "MidStreamFallbackError"),
    # These read nothing of a stream's end that could tell.
    ("frameworks", "litellm_sdk.stream", ""),
    ("frameworks", "llamaindex.stream_chat", ""),
    ("cohere4", "cohere4_sdk.generate_stream", ""),
    ("cohere4", "cohere4_sdk.chat_stream", ""),
]


@pytest.mark.parametrize(("environment", "scenario", "told"), BROKEN_OFF)
def test_what_a_client_tells_of_a_stream_that_breaks_off(
    environment: str,
    scenario: str,
    told: str,
    clients: Clients,
    endpoints: Deployed,
    served: Served,
    account: Callable[[Conditions], None],
) -> None:
    """An exception, the code, or at least a finish reason; none asks again, and none fails because of the event."""
    before = len(endpoints.invocations)
    # As often as it happens: another request would fail, too, and be counted.
    account(Conditions(faults=(Fault("StreamEndsEarly", after=3),)))
    result = clients[environment].call(scenario, served.url, key=served.key, model=MODELS["chat"])
    found = result.error["class"] if result.error else json.dumps(result.events[-1])
    known = ("connection_lost", "APIError", "MidStreamFallbackError", "ERROR")
    assert next((one for one in known if one in found), "") == told
    assert len(endpoints.invocations) - before == 1
