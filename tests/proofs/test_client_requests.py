"""What each client sends, and the least answer that it accepts: facts of the clients, without a proxy."""

from typing import Any

import pytest

from tests.clients.cases import CASES, Case, find
from tests.support.clients import KEY, Clients
from tests.support.scripted import Answer, ScriptedServer

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


@pytest.mark.parametrize(
    ("environment", "scenario", "field", "sent"),
    [
        ("newest", "cohere_sdk.embed", "texts", [96, 1]),
        ("oldest", "cohere_sdk.embed", "texts", [96, 1]),
        ("cohere4", "cohere4_sdk.embed", "texts", [96, 1]),
        ("newest", "cohere_sdk.v2_embed", "texts", [97]),
        ("oldest", "cohere_sdk.v2_embed", "texts", [97]),
        ("node", "node.v2_embed", "texts", [97]),
        ("newest", "openai_sdk.embed", "input", [97]),
    ],
)
def test_only_v1_of_python_divides_97_texts(
    environment: str, scenario: str, field: str, sent: list[int], clients: Clients, server: ScriptedServer
) -> None:
    """The two requests of v1 are sent at the same time."""
    server.reset()
    options: dict[str, Any] = {field: [f"text {number}" for number in range(97)]}
    clients[environment].call(scenario, server.url, **options).unwrap()
    assert sorted((len(request.body[field]) for request in server.requests), reverse=True) == sent


@pytest.mark.parametrize("scenario", ["cohere_sdk.embed", "cohere_sdk.v2_embed"])
def test_an_embedding_of_5_10_with_meta_needs_its_units(
    scenario: str, clients: Clients, server: ScriptedServer
) -> None:
    """Only v1 merges the answers of several requests."""
    answer = {"response_type": "embeddings_by_type", "id": "e", "embeddings": {"float": [[0.5]]}, "texts": ["one"]}
    server.reset(Answer.of({**answer, "meta": {"api_version": {"version": "1"}}}))
    result = clients["oldest"].call(scenario, server.url, texts=["one"], embedding_types=["float"])
    assert (result.error is None) == (scenario == "cohere_sdk.v2_embed")
