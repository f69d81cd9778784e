"""The instrument with which the official clients call: what goes to them and what comes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.cases import find
from tests.support import clients as instrument
from tests.support import dialects
from tests.support.clients import KEY, Clients, reachable
from tests.support.scripted import Answer, ScriptedServer

SIGNER = """
import os

import httpx


class Signer(httpx.Auth):
    requires_request_body = True

    def __init__(self, text):
        self.text = text + os.environ["SIGNER_OF_A_TEST"]

    def auth_flow(self, request):
        request.headers["authorization"] = f"{self.text} {len(request.content)}"
        yield request
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    started = ScriptedServer(dialects.answer)
    yield started
    started.stop()


@pytest.mark.parametrize("scenario", ["cohere_sdk.v2_chat", "openai_sdk.chat"])
def test_a_clients_request_arrives_with_its_key(scenario: str, clients: Clients, server: ScriptedServer) -> None:
    server.reset()
    clients["newest"].call(scenario, server.url, model="alias", max_tokens=5).unwrap()
    (sent,) = server.requests
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["host"] == server.url.partition("//")[2]
    assert (sent.body["model"], sent.body["max_tokens"]) == ("alias", 5)


@pytest.mark.parametrize("scenario", ["cohere_sdk.v2_chat", "openai_sdk.chat"])
def test_what_signs_replaces_the_key(scenario: str, clients: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "signer_of_a_test.py").write_text(SIGNER, "utf-8")
    auth = {
        "folder": str(tmp_path),
        "module": "signer_of_a_test",
        "class": "Signer",
        "arguments": {"text": "Sig"},
        "environment": {"SIGNER_OF_A_TEST": "ned"},
    }
    server.reset()
    clients["newest"].call(scenario, server.url, auth=auth).unwrap()
    (sent,) = server.requests
    assert sent.headers["authorization"] == f"Signed {sent.headers['content-length']}"


def test_a_stream_comes_back_event_by_event(clients: Clients, server: ScriptedServer) -> None:
    server.reset(Answer.events(*dialects.v2_events()[:3], drops=True))
    result = clients["newest"].call("cohere_sdk.v2_chat_stream", server.url)
    assert [event["type"] for event in result.events] == ["message-start", "content-start", "content-delta"]
    assert len(result.at) == 3
    assert result.at == sorted(result.at)
    assert result.failure()["class"] == "RemoteProtocolError"
    with pytest.raises(AssertionError, match="RemoteProtocolError"):
        result.unwrap()


def test_an_exception_comes_back_with_its_status_and_body(clients: Clients, server: ScriptedServer) -> None:
    server.reset(Answer.of({"message": "no", "id": "i", "code": "forbidden"}, 403))
    result = clients["newest"].call("cohere_sdk.generate", server.url)
    failure = result.failure()
    assert (failure["class"], failure["status_code"], failure["body"]["code"]) == ("ForbiddenError", 403, "forbidden")
    server.reset()
    with pytest.raises(AssertionError, match="no exception"):
        clients["newest"].call("cohere_sdk.generate", server.url).failure()


@pytest.mark.parametrize(
    "scenario",
    [
        "cohere_sdk.generate",
        "cohere_sdk.v2_chat",
        "cohere_sdk.v2_chat_stream",
        "openai_sdk.chat",
        "openai_sdk.chat_stream",
    ],
)
def test_a_424_is_not_repeated(scenario: str, clients: Clients, server: ScriptedServer) -> None:
    server.reset(Answer.of({"message": "no", "id": "i", "code": "timed_out"}, 424))
    assert clients["newest"].call(scenario, server.url).failure()["status_code"] == 424
    assert len(server.requests) == 1


def test_an_environment_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instrument, "TOOLS", tmp_path)
    with pytest.raises(AssertionError, match=r"run `make \.tools/clients-oldest/\.installed`"):
        Clients()["oldest"]


def test_a_call_that_does_not_end(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instrument, "CALL_SECONDS", 0.01)
    client = instrument.Client("newest")
    with pytest.raises(AssertionError, match=r"ended within cohere_sdk\.generate"):
        client.call("cohere_sdk.generate", server.url)
    client.end()


def test_a_deployed_url_as_the_clients_reach_it() -> None:
    cloud = "http://127.0.0.1:4566"
    assert reachable("https://a.lambda-url.us-east-1.on.aws/", cloud) == "http://a.lambda-url.us-east-1.on.aws:4566"
    rest = "https://a.execute-api.us-east-1.amazonaws.com/live/"
    assert reachable(rest, cloud) == "http://a.execute-api.us-east-1.amazonaws.com:4566/live"


@pytest.mark.parametrize(
    ("place", "value"),
    [("", {"a": [{"b": "x"}, {"c": 1}, {"b": "y"}]}), ("a.1.c", 1), ("a.9.c", None), ("a.*.b", "xy")],
)
def test_a_place_in_an_answer(place: str, value: object) -> None:
    assert find({"a": [{"b": "x"}, {"c": 1}, {"b": "y"}]}, place) == value
