"""Which answers the clients' own retries repeat. The proxy's table of statuses relies on it: nothing repeats a 424."""

import pytest

from tests.clients.cases import CASES, Case
from tests.support.clients import Clients, Result
from tests.support.scripted import NO_ANSWER, Answer, ScriptedServer

ERROR = {
    "message": "the generation took too long",
    "id": "i",
    "code": "timed_out",
    "error": {"message": "the generation took too long", "type": "server_error", "code": "timed_out", "param": None},
}
FINAL = (400, 401, 403, 404, 413, 422, 424, 499)
"""What none of the SDKs repeats."""
NO_RETRY = {"x-should-retry": "false"}
# Some wait as long as this says; the others wait for seconds.
SOON = {"retry-after-ms": "10"}
SILENT = ("cohere4_sdk.generate_stream", "cohere4_sdk.chat_stream")
"""Version 4 ignores the status of a stream: whatever the proxy answers, the caller sees a stream without events."""
REPEATS_ALL = ("langchain.embed_documents", "langchain.embed_query")
"""LangChain repeats an embedding after any exception, ``max_retries`` times in all (default 3)."""
RUNS = [(environment, case) for case in CASES for environment in case.environments if case.scenario not in REPEATS_ALL]
CHATS = (
    ("newest", "cohere_sdk.v2_chat"),
    ("newest", "cohere_sdk.v2_chat_stream"),
    ("oldest", "cohere_sdk.v2_chat"),
    ("oldest", "cohere_sdk.v2_chat_stream"),
    ("cohere4", "cohere4_sdk.generate"),
    ("node", "node.v2_chat"),
    ("node", "node.v2_chat_stream"),
    ("newest", "openai_sdk.chat"),
    ("newest", "openai_sdk.chat_stream"),
    ("oldest", "openai_sdk.chat"),
    ("oldest", "openai_sdk.chat_stream"),
    ("frameworks", "langchain.invoke"),
    ("frameworks", "langchain.openai_invoke"),
    ("frameworks", "litellm_sdk.completion"),
    ("frameworks", "litellm_sdk.openai_completion"),
)
ONCE = ("cohere_sdk.v2_chat_stream", "litellm_sdk.completion")
"""Scenarios that send each request once, whatever the answer."""


def refused(status: int, headers: dict[str, str] | None = None) -> Answer:
    return Answer.of(ERROR, status, SOON | (headers or {}))


def attempts(environment: str, scenario: str) -> int:
    """Return how many requests a client sends when each is answered by a status that its SDK repeats."""
    if scenario in ONCE or (environment, scenario) == ("oldest", "cohere_sdk.v2_chat"):
        return 1
    return 4 if environment == "cohere4" else 3


def status_of(result: Result) -> int | None:
    status: int | None = result.failure()["status_code"]
    return status


@pytest.mark.parametrize(("environment", "case"), RUNS, ids=lambda value: str(value))
def test_a_424_is_repeated_by_no_client(environment: str, case: Case, clients: Clients, server: ScriptedServer) -> None:
    """Each method of each client, buffered and streamed; but for the two that repeat whatever fails."""
    server.reset(refused(424, NO_RETRY))
    result = clients[environment].call(case.scenario, server.url, model=case.model, **case.options)
    assert len(server.requests) == 1
    if case.scenario in SILENT:
        assert (result.error, result.events) == (None, [])
    else:
        assert status_of(result) == 424


@pytest.mark.parametrize("scenario", REPEATS_ALL)
def test_langchain_repeats_every_embedding_that_fails(scenario: str, clients: Clients, server: ScriptedServer) -> None:
    server.reset(refused(424, NO_RETRY))
    assert status_of(clients["frameworks"].call(scenario, server.url, settings={"max_retries": 2})) == 424
    assert len(server.requests) == 2
    server.reset(refused(424, NO_RETRY))
    assert status_of(clients["frameworks"].call(scenario, server.url, settings={"max_retries": 1})) == 424
    assert len(server.requests) == 1


@pytest.mark.parametrize(("environment", "scenario"), CHATS)
def test_a_final_status_is_sent_once_and_reaches_the_caller(
    environment: str, scenario: str, clients: Clients, server: ScriptedServer
) -> None:
    for status in FINAL:
        server.reset(refused(status))
        result = clients[environment].call(scenario, server.url)
        assert (status_of(result), len(server.requests)) == (status, 1)


@pytest.mark.parametrize(("environment", "scenario"), CHATS)
def test_gateway_errors_and_throttles_are_repeated(
    environment: str, scenario: str, clients: Clients, server: ScriptedServer
) -> None:
    for status in (429, 504):
        server.reset(refused(status))
        result = clients[environment].call(scenario, server.url)
        assert (status_of(result), len(server.requests)) == (status, attempts(environment, scenario))


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503])
@pytest.mark.parametrize("scenario", ["cohere_sdk.v2_chat", "openai_sdk.chat"])
def test_the_newest_repeat_these_as_well(scenario: str, status: int, clients: Clients, server: ScriptedServer) -> None:
    server.reset(refused(status))
    assert status_of(clients["newest"].call(scenario, server.url)) == status
    assert len(server.requests) == 3


@pytest.mark.parametrize("environment", ["newest", "oldest"])
@pytest.mark.parametrize("scenario", ["openai_sdk.chat", "openai_sdk.chat_stream"])
def test_openai_obeys_x_should_retry(environment: str, scenario: str, clients: Clients, server: ScriptedServer) -> None:
    for status in (429, 500, 503, 504):
        server.reset(refused(status, NO_RETRY))
        assert status_of(clients[environment].call(scenario, server.url)) == status
        assert len(server.requests) == 1


def test_cohere_knows_no_header_against_retries(clients: Clients, server: ScriptedServer) -> None:
    server.reset(refused(504, NO_RETRY))
    assert status_of(clients["newest"].call("cohere_sdk.v2_chat", server.url)) == 504
    assert len(server.requests) == 3


@pytest.mark.parametrize("scenario", ["cohere_sdk.v2_chat", "openai_sdk.chat"])
def test_a_retry_waits_as_long_as_retry_after_says(scenario: str, clients: Clients, server: ScriptedServer) -> None:
    server.reset(Answer.of(ERROR, 429, {"retry-after": "2"}), *_answered(scenario))
    result = clients["newest"].call(scenario, server.url)
    result.unwrap()
    assert len(server.requests) == 2
    assert 2 <= result.seconds < 6


def _answered(scenario: str) -> tuple[Answer, ...]:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    message = {"role": "assistant", "content": "ok"}
    if scenario.startswith("openai"):
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return (
            Answer.of(
                {
                    "id": "o",
                    "object": "chat.completion",
                    "created": 1,
                    "model": "m",
                    "choices": [choice],
                    "usage": usage,
                }
            ),
        )
    content = {"role": "assistant", "content": [{"type": "text", "text": "ok"}]}
    return (Answer.of({"id": "c", "finish_reason": "COMPLETE", "message": content}),)


def test_openai_counts_its_retries_in_a_header(clients: Clients, server: ScriptedServer) -> None:
    server.reset(refused(503))
    clients["newest"].call("openai_sdk.chat", server.url).failure()
    assert [request.headers["x-stainless-retry-count"] for request in server.requests] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("environment", "scenario", "requests"),
    [
        ("newest", "cohere_sdk.v2_chat", 1),
        ("newest", "cohere_sdk.v2_chat_stream", 1),
        ("oldest", "cohere_sdk.v2_chat", 1),
        ("node", "node.v2_chat", 1),
        ("cohere4", "cohere4_sdk.generate", 4),
        ("newest", "openai_sdk.chat", 3),
        ("newest", "openai_sdk.chat_stream", 3),
        ("oldest", "openai_sdk.chat", 3),
    ],
)
def test_a_connection_without_an_answer(
    environment: str, scenario: str, requests: int, clients: Clients, server: ScriptedServer
) -> None:
    """No status can prevent these retries: the proxy always answers."""
    server.reset(NO_ANSWER)
    assert status_of(clients[environment].call(scenario, server.url)) is None
    assert len(server.requests) == requests


def test_llamaindex_multiplies_the_retries_of_its_sdk(clients: Clients, server: ScriptedServer) -> None:
    """By default ten times three requests for a 503; the test allows two times three. Throttles are left to the SDK."""
    for status, requests in ((503, 6), (429, 3)):
        server.reset(refused(status))
        result = clients["frameworks"].call("llamaindex.chat", server.url, settings={"max_retries": 2})
        assert (status_of(result), len(server.requests)) == (status, requests)
