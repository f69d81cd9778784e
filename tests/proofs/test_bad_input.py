"""What the newest clients are told about requests that the proxy cannot serve: their own exception, with what to do."""

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from local_aws.conditions import Conditions
from tests.clients.cases.case import FUNCTION, TOOLS
from tests.support.clients import Clients, Result
from tests.support.cloud import Deployed
from tests.support.outcomes import failed
from tests.support.served import MODELS, Served, make_key, serve, signer

CALLS = ("cohere_sdk.generate", "cohere_sdk.chat", "cohere_sdk.v2_chat", "openai_sdk.chat")
WITH_A_MODEL = (*CALLS[1:], "cohere_sdk.embed", "cohere_sdk.v2_embed", "cohere_sdk.v2_rerank", "openai_sdk.embed")
IMAGE = "data:image/png;base64," + "A" * 300_000
NESTED = {"type": "object", "properties": {"town": {"type": "string", "pattern": "R.*"}}}
PATTERN = [{"type": "function", "function": {"name": "weather", "parameters": NESTED}}]
PICTURE = {
    "role": "user",
    "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}],
}
TEXTS = [f"text {number}" for number in range(97)]
STRICT = [{"type": "function", "function": {**FUNCTION, "strict": True}}]


def cohere(**fields: Any) -> dict[str, Any]:
    """Return the options that let Cohere's client send fields that it does not know."""
    return {"request_options": {"additional_body_parameters": fields}}


NAMED: list[tuple[str, dict[str, Any], str]] = [
    # Bodies of other dialects.
    ("cohere_sdk.v2_chat", cohere(message="hi"), "unknown field; did you mean messages?"),
    ("cohere_sdk.v2_chat", cohere(top_p=0.5), "unknown field"),
    ("cohere_sdk.v2_chat", cohere(max_completion_tokens=5), "unknown field; did you mean max_tokens?"),
    ("cohere_sdk.chat", cohere(messages=[]), "unknown field; did you mean message?"),
    ("cohere_sdk.generate", cohere(message="hi"), "unknown field"),
    ("openai_sdk.chat", {"extra_body": {"documents": []}}, "unknown field"),
    ("openai_sdk.chat", {"extra_body": {"stop_sequences": ["a"]}}, "unknown field"),
    ("openai_sdk.embed", {"extra_body": {"texts": ["a"]}}, "unknown field"),
    # What the container cannot do.
    ("cohere_sdk.v2_chat", {"tools": PATTERN}, "property 1 may have type, anyOf, items"),
    ("cohere_sdk.v2_chat", {"tools": TOOLS, "strict_tools": True}, "strict_tools: must be"),
    ("openai_sdk.chat", {"tools": PATTERN}, "property 1 may have type, anyOf, items"),
    ("openai_sdk.chat", {"tools": STRICT}, "tools: must not be strict"),
    ("openai_sdk.chat", {"tools": TOOLS, "tool_choice": "required"}, "tool_choice: must be auto, none or left out"),
    ("cohere_sdk.v2_chat", {"messages": [PICTURE]}, "messages[0].content[0]: must be a text"),
    ("openai_sdk.chat", {"messages": [PICTURE]}, "messages[0].content[0]"),
    # Too much.
    ("cohere_sdk.v2_embed", {"texts": TEXTS}, "texts: must be a list of 1 to 96"),
    ("openai_sdk.embed", {"input": TEXTS}, "input: must be a list of 1 to 96"),
    # Streams where the environment does not stream.
    ("cohere_sdk.generate_stream", {}, "stream: must be false or left out: this environment answers whole"),
    ("cohere_sdk.chat_stream", {}, "stream: must be false or left out: this environment answers whole"),
    ("cohere_sdk.v2_chat_stream", {}, "stream: must be false or left out: this environment answers whole"),
    ("openai_sdk.chat_stream", {}, "stream: must be false or left out: this environment answers whole"),
]
RETIRED = [
    ("cohere_sdk.tokenize", "the model's own tokenizer"),
    ("cohere_sdk.detokenize", "the model's own tokenizer"),
    ("cohere_sdk.classify", "/v2/chat and a response_format"),
    ("cohere_sdk.summarize", "/v2/chat"),
]


@pytest.fixture(scope="module")
def buffered(endpoints: Deployed) -> Served:
    """A proxy that does not stream, behind a Function URL."""
    return serve(endpoints, "buffered", streaming=False)


class Caller:
    """Calls, and checks that no container hears of it."""

    def __init__(self, clients: Clients, deployed: Deployed) -> None:
        self._client, self._deployed = clients["newest"], deployed

    def call(self, scenario: str, served: Served, **more: Any) -> Result:
        before = len(self._deployed.invocations)
        model = next((MODELS[api] for api in ("embed", "rerank") if api in scenario), MODELS["chat"])
        result = self._client.call(scenario, served.url, **{"key": served.key, "model": model, **more})
        assert len(self._deployed.invocations) == before
        return result


@pytest.fixture
def caller(clients: Clients, endpoints: Deployed) -> Caller:
    return Caller(clients, endpoints)


def told(result: Result) -> str:
    """Return the message of the error's body."""
    message: str = result.failure()["body"]["message"]
    return message


@pytest.mark.parametrize(("scenario", "options", "problem"), NAMED)
def test_the_field_is_named_with_what_is_allowed(
    scenario: str, options: dict[str, Any], problem: str, caller: Caller, buffered: Served
) -> None:
    result = caller.call(scenario, buffered, auth=signer(), **options)
    assert failed(result) == (400, "invalid_field")
    assert problem in told(result)


@pytest.mark.parametrize("scenario", WITH_A_MODEL)
def test_an_unknown_model_is_answered_with_the_known_ones(scenario: str, caller: Caller, served: Served) -> None:
    result = caller.call(scenario, served, model="gpt-5")
    assert failed(result) == (404, "model_not_found")
    api = next((api for api in ("embed", "rerank") if api in scenario), "chat")
    assert f"known are {MODELS[api]}" in told(result)


@pytest.mark.parametrize("scenario", ["cohere_sdk.models_get", "openai_sdk.models_get"])
def test_a_model_that_is_looked_up(scenario: str, caller: Caller, served: Served) -> None:
    assert failed(caller.call(scenario, served, model="gpt-5")) == (404, "model_not_found")


@pytest.mark.parametrize(("scenario", "remedy"), RETIRED)
def test_a_route_that_no_container_answers(scenario: str, remedy: str, caller: Caller, served: Served) -> None:
    result = caller.call(scenario, served)
    assert failed(result) == (404, "not_found")
    assert remedy in told(result)


@pytest.mark.parametrize("options", [{"texts": None, "images": [IMAGE]}, {"texts": ["x" * 300_000]}])
def test_an_oversized_image_or_text(options: dict[str, Any], caller: Caller, served: Served) -> None:
    result = caller.call("cohere_sdk.v2_embed", served, **options)
    assert failed(result) == (413, "request_too_large")
    assert "send at most 262144 bytes" in told(result)


@pytest.mark.parametrize(
    ("scenario", "options"),
    [("cohere_sdk.v2_chat", cohere(max_tokens="many")), ("openai_sdk.chat", {"extra_body": {"max_tokens": "many"}})],
)
def test_api_gateways_own_refusal_is_in_both_dialects(
    scenario: str, options: dict[str, Any], caller: Caller, served: Served
) -> None:
    result = caller.call(scenario, served, **options)
    assert failed(result) == (400, "invalid_field")
    assert "see docs/openapi.yaml" in told(result)


@pytest.mark.parametrize("scenario", CALLS)
def test_a_key_that_is_revoked_wrong_or_of_another_environment(
    scenario: str, caller: Caller, clients: Clients, served: Served, endpoints: Deployed
) -> None:
    gateway = boto3.client("apigateway")
    key = make_key("clients")
    clients["newest"].call(scenario, served.url, key=key, model=MODELS["chat"]).unwrap()
    found = next(one for one in gateway.get_api_keys(includeValues=True)["items"] if one["value"] == key)
    gateway.delete_api_key(apiKey=found["id"])
    other = gateway.create_api_key(name="other", enabled=True)["value"]
    for refused in (key, "a" * 40, "short", other):
        result = caller.call(scenario, served, key=refused)
        assert failed(result) == (401, "unauthorized")
        assert "send Authorization: Bearer KEY" in told(result)


def test_a_client_that_leaves_a_stream(
    clients: Clients, endpoints: Deployed, served: Served, account: Callable[[Conditions], None]
) -> None:
    """Lambda does not tell the function: the container answers to the end, and the next request does not wait."""
    account(Conditions(part_delay_seconds=0.2))
    first = clients["newest"].call(
        "cohere_sdk.v2_chat_disconnects", served.url, key=served.key, model=MODELS["chat"], max_tokens=20
    )
    assert first.unwrap()["type"] == "message-start"
    assert endpoints.invocations[-1].state == "running"
    account(Conditions())
    clients["newest"].call("openai_sdk.chat", served.url, key=served.key, model=MODELS["chat"]).unwrap()
    until = time.monotonic() + 20
    while (left := endpoints.invocations[-2]).state == "running" and time.monotonic() < until:
        time.sleep(0.05)
    assert (left.streamed, left.state) == (True, "answered")
