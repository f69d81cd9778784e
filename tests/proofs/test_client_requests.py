"""What each client sends, and the least answer that it accepts: facts of the clients, without a proxy."""

import pytest

from tests.clients.cases import CASES, Case, find
from tests.support.clients import KEY, Clients
from tests.support.scripted import ScriptedServer

RUNS = [(environment, case) for case in CASES for environment in case.environments]


@pytest.mark.parametrize(("environment", "case"), RUNS, ids=lambda value: str(value))
def test_a_client_is_content_with_the_least_answer(
    environment: str, case: Case, clients: Clients, server: ScriptedServer
) -> None:
    server.reset()
    result = clients[environment].call(case.scenario, server.url, model=case.model, **case.options)
    place, value = case.finds
    assert find(result.unwrap(), place) == value
    assert server.paths == list(case.requests)
    sent = server.requests[-1]
    assert sent.headers["authorization"].split() in (["Bearer", KEY], ["BEARER", KEY])
    assert {name: (sent.body or {}).get(name, "nothing") for name in case.body} == case.body
