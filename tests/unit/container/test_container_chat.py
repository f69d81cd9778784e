"""The stand-in behind a chat package: version 1 of the chat body, in Cohere's shapes."""

import json
from typing import Any

import pytest

from local_aws.container import Container

CONTAINER = Container.from_settings(None, None)
PENGUINS: list[dict[str, Any]] = [
    {"title": "Tall penguins", "text": "Emperor penguins are the tallest. They are black."},
    {"id": "homes", "title": "Penguin habitats", "text": "Emperor penguins only live in Antarctica."},
    {"title": "Apples", "text": "Apples are red.", "secret": "x", "_excludes": ["secret"]},
]
WEATHER = {
    "name": "get_weather",
    "description": "Returns the weather of a city",
    "parameter_definitions": {
        "city": {"type": "str", "required": True},
        "days": {"type": "int"},
        "hourly": {"type": "bool"},
        "units": {"type": "List[str]"},
    },
}
RESULTS = [{"call": {"name": "get_weather", "parameters": {"city": "Toronto"}}, "outputs": [{"sky": "clear"}]}]
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def ask(api: str = "chat", **fields: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"message": "Write a LinkedIn post about starting a career in tech:", **fields}).encode()
    status, _, answer = CONTAINER.handle(body, "application/json", api)
    return status, json.loads(answer)


def answer(**fields: Any) -> dict[str, Any]:
    status, found = ask(**fields)
    assert status == 200, found
    return found


def events(**fields: Any) -> list[dict[str, Any]]:
    body = json.dumps({"message": "A post", "stream": True, **fields}).encode()
    status, _, pieces = CONTAINER.stream(body, "application/json", "chat")
    assert status == 200
    return [json.loads(piece) for piece in pieces]


def kinds(found: list[dict[str, Any]]) -> list[str]:
    """Return the types of events in their order, each once in a row."""
    names = [str(event["event_type"]) for event in found]
    return [name for name, before in zip(names, ["", *names], strict=False) if name != before]


def test_the_answers_shape() -> None:
    before = [{"role": "USER", "message": "hi"}]
    found = answer(max_tokens=12, chat_history=before)
    assert set(found) == {"response_id", "generation_id", "text", "chat_history", "finish_reason", "meta"}
    assert found["chat_history"][0] == before[0]
    assert found["chat_history"][-1] == {"role": "CHATBOT", "message": found["text"]}
    assert found["finish_reason"] == "MAX_TOKENS"
    assert found["meta"]["tokens"]["output_tokens"] == 12


def test_temperature_0_repeats_itself_and_a_stop_sequence_ends_the_text_before_it() -> None:
    endless = answer(temperature=0)["text"]
    assert answer(temperature=0)["text"] == endless
    stopped = answer(temperature=0, stop_sequences=["."])
    assert (stopped["text"], stopped["finish_reason"]) == (endless.partition(".")[0], "COMPLETE")


def test_everything_that_the_model_reads_is_counted() -> None:
    def tokens(**fields: Any) -> int:
        return int(answer(max_tokens=1, **fields)["meta"]["billed_units"]["input_tokens"])

    plain = tokens()
    assert tokens(preamble="Answer in rhymes") == plain + 3
    assert tokens(documents=PENGUINS) > plain + 30
    assert tokens(chat_history=[{"role": "USER", "message": "one two"}]) > plain + 2


def test_an_answer_quotes_the_documents_that_fit_the_question() -> None:
    found = answer(message="Where do emperor penguins live?", documents=PENGUINS)
    assert found["text"] == (
        "The documents say: Emperor penguins only live in Antarctica. Emperor penguins are the tallest."
    )
    assert [one["document_ids"] for one in found["citations"]] == [["homes"], ["doc_0"]]
    for one in found["citations"]:
        assert found["text"][one["start"] : one["end"]] == one["text"]
    assert found["documents"][0] == {"id": "doc_0", **PENGUINS[0]}
    assert found["documents"][2] == {"id": "doc_2", "title": "Apples", "text": "Apples are red.", "secret": "x"}
    assert found["finish_reason"] == "COMPLETE"


def test_max_tokens_and_citation_quality_remove_citations() -> None:
    fields = {"message": "Where do emperor penguins live?", "documents": PENGUINS}
    assert "citations" not in answer(**fields, citation_quality="off")
    cut = answer(**fields, max_tokens=13)
    assert (cut["finish_reason"], len(cut["citations"])) == ("MAX_TOKENS", 1)


def test_a_question_that_names_a_tool_calls_it() -> None:
    found = answer(message="What is the weather in Toronto for 3 days?", tools=[WEATHER])
    parameters = {"city": "Toronto", "days": 3, "hourly": True, "units": ["Toronto"]}
    assert found["tool_calls"] == [{"name": "get_weather", "parameters": parameters}]
    assert found["text"] == "I will use get_weather."
    assert found["chat_history"][-1]["tool_calls"] == found["tool_calls"]
    single = answer(message="What is the weather in Toronto?", tools=[WEATHER], force_single_step=True)
    assert (single["text"], len(single["tool_calls"])) == ("", 1)


def test_another_question_gets_a_text() -> None:
    found = answer(message="Who are you?", tools=[WEATHER], max_tokens=5)
    assert found["text"]
    assert "tool_calls" not in found


def test_the_results_of_a_tool_are_quoted() -> None:
    history = [{"role": "USER", "message": "What is the weather in Toronto?"}]
    found = answer(message="", chat_history=history, tools=[WEATHER], tool_results=RESULTS)
    assert found["text"] == "The tools returned: sky: clear"
    assert found["citations"][0]["document_ids"] == ["get_weather:0:0"]
    assert found["documents"] == [{"id": "get_weather:0:0", "sky": "clear"}]
    assert found["chat_history"][1] == {"role": "TOOL", "tool_results": RESULTS}


def test_a_structured_answer() -> None:
    any_object = answer(response_format={"type": "json_object"})
    assert isinstance(json.loads(any_object["text"]), dict)
    found = answer(message="A person called 'Ann'", response_format={"type": "json_object", "schema": SCHEMA})
    assert json.loads(found["text"]) == {"name": "Ann"}


def test_search_queries_only() -> None:
    found = answer(message="Who is tallest?", search_queries_only=True)
    assert (found["text"], found["is_search_required"]) == ("", True)
    assert [query["text"] for query in found["search_queries"]] == ["Who is tallest?"]
    streamed = events(message="Who is tallest?", search_queries_only=True)
    assert kinds(streamed) == ["stream-start", "search-queries-generation", "stream-end"]


def test_a_stream_of_citations() -> None:
    found = events(message="Where do emperor penguins live?", documents=PENGUINS)
    assert kinds(found) == ["stream-start", "text-generation", "citation-generation", "stream-end"]
    end = found[-1]["response"]
    assert "".join(event.get("text", "") for event in found[:-1]) == end["text"]
    cited = [one for event in found if event["event_type"] == "citation-generation" for one in event["citations"]]
    assert cited == end["citations"]


def test_a_stream_of_calls() -> None:
    tools = [WEATHER, {"name": "get_time", "description": "Tells the time of a city"}]
    found = events(message="What are weather and time in Toronto?", tools=tools)
    assert kinds(found) == ["stream-start", "tool-calls-chunk", "tool-calls-generation", "stream-end"]
    chunks = [event for event in found if event["event_type"] == "tool-calls-chunk"]
    assert "".join(chunk.get("text", "") for chunk in chunks) == "I will use get_weather and get_time."
    deltas = [chunk["tool_call_delta"] for chunk in chunks if "tool_call_delta" in chunk]
    for index, call in enumerate(found[-2]["tool_calls"]):
        own = [delta for delta in deltas if delta["index"] == index]
        assert own[0]["name"] == call["name"]
        assert json.loads("".join(delta.get("parameters", "") for delta in own)) == call["parameters"]
    assert found[-1]["response"]["tool_calls"] == found[-2]["tool_calls"]


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"message": ""}, 400, "message must be at least 1 token long"),
        ({"message": 1}, 400, "message must be"),
        ({"temperature": 1.1}, 400, "temperature must be between 0 and 1.0 inclusive"),
        ({"p": 1}, 400, "p must be between 0.01 and 0.99 inclusive"),
        ({"p": 0}, 400, "p must be between 0.01 and 0.99 inclusive"),
        ({"max_tokens": "9"}, 422, "max_tokens must be an integer"),
        ({"max_tokens": 0}, 400, "max_tokens must be at least 1"),
        ({"seed": -1}, 400, "seed must be between"),
        ({"stop_sequences": ["a"] * 6}, 400, "stop_sequences must be at most 5"),
        ({"stop_sequences": "a"}, 422, "stop_sequences must be a list of strings"),
        ({"chat_history": "hi"}, 422, "chat_history must be a list"),
        ({"chat_history": ["hi"]}, 422, "chat_history must be a list of objects"),
        ({"chat_history": [{"role": "user", "message": "a"}]}, 400, "must be one of USER, CHATBOT, SYSTEM, TOOL"),
        ({"chat_history": [{"role": "USER"}]}, 422, "each message in chat_history must be a string"),
        ({"documents": ["a"]}, 422, "documents must be a list of objects"),
        ({"documents": [{"text": 1}]}, 422, "each field of a document must be a string"),
        ({"documents": [{"text": "a", "_excludes": "text"}]}, 422, "_excludes must be a list"),
        ({"tools": [{"name": "get-weather"}]}, 400, "each tool must have a name of letters"),
        ({"tools": [{"name": "a", "parameter_definitions": {"b": 1}}]}, 422, "each of parameter_definitions must be"),
        ({"tool_results": RESULTS}, 400, "tools must be specified with tool_results"),
        ({"tools": [WEATHER], "tool_results": [{"call": {}}]}, 422, "must have call.name and a list of outputs"),
        ({"response_format": {"type": "xml"}}, 400, "response_format.type must be one of text, json_object"),
        ({"response_format": {"type": "text", "schema": SCHEMA}}, 400, "needs the type json_object"),
        ({"response_format": {"type": "json_object"}, "documents": PENGUINS}, 400, "is not supported with documents"),
        ({"response_format": {"type": "json_object", "schema": {"type": "array"}}}, 400, "must be object"),
        ({"preamble": 1}, 422, "preamble must be a string"),
        ({"raw_prompting": "yes"}, 422, "raw_prompting must be a boolean"),
        ({"safety_mode": "OFF"}, 400, "safety_mode must be one of CONTEXTUAL, STRICT, NONE"),
        ({"prompt_truncation": "END"}, 400, "prompt_truncation must be one of OFF, AUTO, AUTO_PRESERVE_ORDER"),
        ({"citation_quality": "best"}, 400, "citation_quality must be one of ENABLED, DISABLED"),
        ({"search_queries_only": 1}, 422, "search_queries_only must be a boolean"),
    ],
)
def test_what_it_refuses(fields: dict[str, Any], status: int, message: str) -> None:
    found, refused = ask(**fields)
    assert (found, message in refused["message"]) == (status, True), refused


def test_what_does_not_fit_into_the_context_is_refused_unless_it_may_be_cut() -> None:
    long = [{"role": "USER", "message": "word " * 130_000}]
    status, refused = ask(chat_history=long)
    assert (status, "cannot exceed 128000 - received" in refused["message"]) == (400, True)
    assert ask(chat_history=long, prompt_truncation="AUTO_PRESERVE_ORDER", max_tokens=1)[0] == 200


def test_an_unknown_field_is_ignored() -> None:
    assert ask(max_tokens=1, conversation_id="a", nonsense=1)[0] == 200


def test_an_api_that_is_not_implemented() -> None:
    status, refused = ask("summarize")
    assert (status, refused) == (501, {"message": "the stand-in for the container does not implement summarize"})
