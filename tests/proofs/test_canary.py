"""A word that callers send in every place of every route is in no log, metric or error; there are no traces here."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest

from local_aws.conditions import Conditions, Fault
from tests.support.cloud import Deployed
from tests.support.local_transport import LocalTransport
from tests.support.served import MODELS, Served, log_lines

WORD = "Kanarienvogel"
IMAGE = f"data:image/png;base64,iVBORw0KGgo{WORD}="
SCHEMA = {"type": "object", "properties": {WORD: {"type": "string", "description": WORD}}}
CALL = {"id": WORD, "type": "function", "function": {"name": WORD, "arguments": json.dumps({WORD: WORD})}}
TOOLS = [{"type": "function", "function": {"name": WORD, "description": WORD, "parameters": SCHEMA}}]
MESSAGES = [{"role": "system", "content": WORD}, {"role": "user", "content": WORD}]
RESULT = [
    *MESSAGES,
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": WORD, "content": WORD},
]
V1_TOOL = {"name": WORD, "description": WORD, "parameter_definitions": {WORD: {"type": "str", "description": WORD}}}
V1_RESULT = [{"call": {"name": WORD, "parameters": {WORD: WORD}}, "outputs": [{WORD: WORD}]}]
HISTORY = [{"role": "USER", "message": WORD}, {"role": "CHATBOT", "message": WORD}]
COMPLETIONS, EMBEDDINGS = "/compatibility/v1/chat/completions", "/compatibility/v1/embeddings"
CHATS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/generate", {"prompt": WORD, "stop_sequences": [WORD]}),
    ("/v1/chat", {"message": WORD, "preamble": WORD, "chat_history": HISTORY, "documents": [{"id": WORD, "a": WORD}]}),
    ("/v1/chat", {"message": "", "tools": [V1_TOOL], "tool_results": V1_RESULT, "chat_history": HISTORY}),
    ("/v2/chat", {"model": MODELS["chat"], "messages": MESSAGES, "documents": [WORD]}),
    ("/v2/chat", {"model": MODELS["chat"], "messages": RESULT, "tools": TOOLS}),
    (COMPLETIONS, {"model": MODELS["chat"], "messages": MESSAGES, "stop": [WORD], "user": WORD}),
    (COMPLETIONS, {"model": MODELS["chat"], "messages": RESULT, "tools": TOOLS}),
]
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/embed", {"texts": [WORD], "input_type": "search_query"}),
    ("/v2/embed", {"model": MODELS["embed"], "texts": [WORD], "input_type": "search_query"}),
    ("/v2/embed", {"model": MODELS["embed"], "images": [IMAGE], "input_type": "image"}),
    ("/v1/rerank", {"query": WORD, "documents": [{"text": WORD}]}),
    ("/v2/rerank", {"model": MODELS["rerank"], "query": WORD, "documents": [WORD]}),
    (EMBEDDINGS, {"model": MODELS["embed"], "input": [WORD]}),
]
FAULTS = (
    *("ThrottlingException", "InternalFailure", "ModelError400", "ModelError500", "ModelErrorTimeout"),
    *("AnswerOfAnotherKind", "AnswerCutOff"),
)
STREAM_FAULTS = ("StreamBroken", "InternalStreamFailure", "StreamErrorEvent", "StreamErrorObject", "StreamEndsEarly")


@pytest.fixture(scope="module")
def http(deployed: Deployed, served: Served) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {served.key}"}
    transport = LocalTransport(deployed.cloud.url)
    with httpx.Client(base_url=served.url, headers=headers, transport=transport, timeout=60) as client:
        yield client


def ids(value: Any) -> str:
    return value if isinstance(value, str) else "-".join(value)


def is_error(answer: httpx.Response) -> bool:
    """Return whether a request was refused; an error holds no word of it."""
    if answer.status_code != 200:
        assert WORD not in answer.text
        assert WORD not in str(answer.headers)
    return answer.status_code != 200


@pytest.mark.parametrize(("path", "body"), [*CHATS, *OTHERS], ids=ids)
def test_whole_answers_and_refusals(
    path: str, body: dict[str, Any], http: httpx.Client, account: Callable[[Conditions], None]
) -> None:
    assert http.post(path, json=body).status_code == 200
    for fault in FAULTS:
        account(Conditions(faults=(Fault(fault),)))
        assert is_error(http.post(path, json=body))
    account(Conditions())
    for other in (
        {**body, WORD: WORD},
        {**body, "model": WORD},
        {**body, "max_tokens": WORD},
        {WORD: body},
        {name: [value] for name, value in body.items()},
    ):
        assert is_error(http.post(path, json=other))
    for content in (json.dumps(body)[:-1], f'{{"{WORD}": NaN}}', f"{WORD}"):
        assert is_error(http.post(path, content=content, headers={"content-type": "application/json"}))
    assert is_error(http.post(path, json=body, headers={"content-type": WORD}))
    assert is_error(http.post(path, json=body, headers={"x-target-variant": WORD}))
    assert is_error(http.post(path, json=body, headers={"authorization": f"Bearer {WORD * 3}"}))
    assert is_error(http.post(path, json={**body, WORD: WORD * 30_000}))


@pytest.mark.parametrize(("path", "body"), CHATS, ids=ids)
def test_streams_that_end_and_that_fail(
    path: str, body: dict[str, Any], http: httpx.Client, account: Callable[[Conditions], None]
) -> None:
    streamed = {**body, "stream": True}
    assert http.post(path, json=streamed).status_code == 200
    for fault in (*FAULTS[:5], *STREAM_FAULTS):
        for after in (0, 3):
            account(Conditions(faults=(Fault(fault, after=after),)))
            answer = http.post(path, json=streamed)
            if not is_error(answer):
                assert WORD not in answer.text.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", f"/v1/models/{WORD}"), ("GET", f"/compatibility/v1/models/{WORD}"), ("POST", f"/v1/{WORD}")),
        *(("POST", f"/compatibility/{WORD}"), ("DELETE", f"/v1/models/{WORD}"), ("POST", f"/v1/tokenize?a={WORD}")),
    ],
)
def test_paths(method: str, path: str, http: httpx.Client) -> None:
    assert is_error(http.request(method, path, json={"text": WORD}, headers={"user-agent": WORD}))


# The last one of this file: it looks at what all the others left behind.
def test_the_word_is_nowhere(served: Served) -> None:
    lines = list(log_lines())
    assert sum('"message": "request"' in line or "request_id" in line for line in lines) > 100
    metrics: Any = boto3.client("cloudwatch").get_paginator("list_metrics").paginate()
    named = [json.dumps(one) for page in metrics for one in page["Metrics"]]
    assert named
    for left in (*lines, *named):
        assert WORD not in left
        assert served.key not in left
