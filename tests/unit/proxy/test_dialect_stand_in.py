"""The translation in front of the local cloud's chat v1 container, which is written from the same documents."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local_aws.container import Container
from proxy.dialects.cohere_v2 import chat_on_chat
from proxy.routes.table import CHAT_V2
from proxy.upstream.decoder import Decoder

from .dialects import message_of, reader, run

CONTAINER = Container.from_settings(None, None)
read = reader(CHAT_V2)
USER = {"role": "user", "content": "What is the weather in Bern?"}
SCHEMA = {"type": "object", "properties": {"town": {"type": "string", "enum": ["Bern", "Rome"]}}, "required": ["town"]}
TOOLS = {"tools": [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}}]}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"town": "Bern"}'}}
RETURNED = [
    USER,
    {"role": "assistant", "tool_plan": "I look.", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": [{"type": "document", "document": {"data": '{"sky": "blue"}'}}]},
]
REQUESTS: dict[str, dict[str, Any]] = {
    "text": {"messages": [{"role": "system", "content": "Be brief."}, USER]},
    "history": {"messages": [USER, {"role": "assistant", "content": "Fine."}, USER], "stop_sequences": ["e"]},
    "documents": {"messages": [USER], "documents": ["Bern is sunny", {"id": "x", "data": {"t": "Rome rain", "n": 1}}]},
    "tools": {"messages": [USER], **TOOLS},
    "no tools": {"messages": [USER], "tool_choice": "NONE", **TOOLS},
    "results": {"messages": RETURNED, **TOOLS},
    "results and no more tools": {"messages": RETURNED, "tool_choice": "NONE", **TOOLS},
    "JSON": {"messages": [USER], "response_format": {"type": "json_object", "json_schema": SCHEMA}},
    "options": {
        "messages": [USER],
        "safety_mode": "OFF",
        "citation_options": {"mode": "FAST"},
        "k": 3,
        "p": 0.5,
        "temperature": 0,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.1,
    },
}


def sent(fields: dict[str, Any]) -> Iterator[bytes]:
    (body,) = chat_on_chat.requests(fields)
    status, _, pieces = CONTAINER.stream(body, "application/json", "chat")
    assert status == 200
    return iter(pieces)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_stream_tells_what_the_whole_answer_does(name: str) -> None:
    request = {"seed": 3, "max_tokens": 20, **REQUESTS[name]}
    whole = chat_on_chat.document([b"".join(sent(read(request)))], read(request))
    fields = read({**request, "stream": True})
    decoder, stream = Decoder(), chat_on_chat.stream(fields)
    found = message_of(run(stream, (one for part in sent(fields) for one in decoder.feed(part))))
    decoder.end()
    for one in (whole, found):
        assert one.pop("id")
        for call in one["message"].get("tool_calls", ()):
            assert call.pop("id").startswith("weather_")
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    assert found == whole
    assert (stream.tokens_in, stream.tokens_out) == tuple(whole["usage"]["billed_units"].values())


def test_what_a_tool_returned_is_cited_by_its_call() -> None:
    fields = read(REQUESTS["results"])
    (citation,) = chat_on_chat.document([b"".join(sent(fields))], fields)["message"]["citations"]
    assert citation["sources"] == [{"type": "tool", "id": "c1:0", "tool_output": {"sky": "blue"}}]
