"""Cohere's SDK for Python, versions 5 and later: ``Client`` (v1) and ``ClientV2``."""

from collections.abc import Iterator
from typing import Any

import cohere

from scenarios.service import Service

MESSAGES = [{"role": "user", "content": "How is the weather?"}]


def _v1(service: Service) -> Any:
    return cohere.Client(api_key=service.key, base_url=service.url, **service.http("httpx_client"), **service.settings)


def _v2(service: Service) -> Any:
    return cohere.ClientV2(
        api_key=service.key, base_url=service.url, **service.http("httpx_client"), **service.settings
    )


def generate(service: Service, **options: Any) -> Any:
    return _v1(service).generate(**{"prompt": "How is the weather?", **options})


def generate_stream(service: Service, **options: Any) -> Iterator[Any]:
    return iter(_v1(service).generate_stream(**{"prompt": "How is the weather?", **options}))


def chat(service: Service, **options: Any) -> Any:
    return _v1(service).chat(**{"message": "How is the weather?", "model": service.model, **options})


def chat_stream(service: Service, **options: Any) -> Iterator[Any]:
    return iter(_v1(service).chat_stream(**{"message": "How is the weather?", "model": service.model, **options}))


def embed(service: Service, **options: Any) -> Any:
    given = {"texts": ["one", "two"], "model": service.model, "input_type": "search_document", **options}
    return _v1(service).embed(**given)


def rerank(service: Service, **options: Any) -> Any:
    return _v1(service).rerank(**{"query": "q", "documents": ["one", "two"], "model": service.model, **options})


def models_list(service: Service, **options: Any) -> Any:
    return _v1(service).models.list(**options)


def models_get(service: Service) -> Any:
    return _v1(service).models.get(service.model)


def check_api_key(service: Service) -> Any:
    return _v1(service).check_api_key()


def tokenize(service: Service) -> Any:
    return _v1(service).tokenize(text="How is the weather?", model=service.model, offline=False)


def detokenize(service: Service) -> Any:
    return _v1(service).detokenize(tokens=[1, 2], model=service.model, offline=False)


def classify(service: Service) -> Any:
    examples = [cohere.ClassifyExample(text=text, label=text) for text in ("a", "b")]
    return _v1(service).classify(inputs=["a"], examples=examples)


def summarize(service: Service) -> Any:
    return _v1(service).summarize(text="Hi. " * 100)


def v2_chat(service: Service, **options: Any) -> Any:
    return _v2(service).chat(**{"model": service.model, "messages": MESSAGES, **options})


def v2_chat_stream(service: Service, **options: Any) -> Iterator[Any]:
    return iter(_v2(service).chat_stream(**{"model": service.model, "messages": MESSAGES, **options}))


def v2_chat_disconnects(service: Service, **options: Any) -> Any:
    """Read one event of a stream and leave."""
    stream = v2_chat_stream(service, **options)
    first = next(stream)
    stream.close()  # type: ignore[attr-defined]
    return first


def v2_embed(service: Service, **options: Any) -> Any:
    given = {"model": service.model, "texts": ["one", "two"], "input_type": "search_document"}
    return _v2(service).embed(**{**given, "embedding_types": ["float"], **options})


def v2_rerank(service: Service, **options: Any) -> Any:
    return _v2(service).rerank(**{"model": service.model, "query": "q", "documents": ["one", "two"], **options})


def v2_tools(service: Service) -> list[Any]:
    """Call a tool and return its result to the model: two requests."""
    function = {
        "name": "weather",
        "description": "The weather of a town.",
        "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
    }
    tools = [{"type": "function", "function": function}]
    client = _v2(service)
    first = client.chat(model=service.model, messages=MESSAGES, tools=tools)
    called = first.message.tool_calls[0]
    messages = [
        *MESSAGES,
        {"role": "assistant", "tool_calls": first.message.tool_calls, "tool_plan": first.message.tool_plan},
        {"role": "tool", "tool_call_id": called.id, "content": '{"sky": "blue"}'},
    ]
    return [first, client.chat(model=service.model, messages=messages, tools=tools)]
