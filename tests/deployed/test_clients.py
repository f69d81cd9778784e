"""The newest official clients through a deployed proxy: every method and option, buffered and streamed."""

import json
from typing import Any

import pytest

from tests.clients.cases import CASES, Case, find
from tests.support.clients import Clients
from tests.support.cloud import Deployed
from tests.support.served import CLIENT, MODELS, Served, make_endpoints, serve

API = {"embed": "embed", "embed_images": "embed", "rerank": "rerank"}


@pytest.fixture(scope="module")
def served(deployed: Deployed) -> Served:
    make_endpoints(deployed)
    rest_api = {"access": "bearer", "account_log_role": True, "clients": {"tests": CLIENT}}
    return serve(deployed, "clients", rest_api=rest_api)


@pytest.mark.parametrize("case", [case for case in CASES if "newest" in case.environments], ids=str)
def test_a_call(case: Case, clients: Clients, served: Served) -> None:
    function = case.scenario.partition(".")[2]
    model = next((MODELS[api] for name, api in API.items() if name in function), MODELS["chat"])
    result = clients["newest"].call(case.scenario, served.url, key=served.key, model=model, **case.options)
    if case.refused:
        failure = result.failure()
        assert failure["status_code"] == 400
        assert f"{case.refused}: " in json.dumps(failure["body"])
    else:
        found: Any = find(result.unwrap(), case.finds[0])
        assert found not in (None, "", [])
