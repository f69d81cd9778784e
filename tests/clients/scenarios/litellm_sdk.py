"""LiteLLM. The prefix of the model chooses the dialect; ``cohere/`` posts chats to ``api_base`` as it is."""

from collections.abc import Iterator
from typing import Any

from scenarios.service import Service

MESSAGES = [{"role": "user", "content": "How is the weather?"}]
FUNCTION = {"name": "weather", "parameters": {"type": "object", "properties": {"town": {"type": "string"}}}}
TOOLS = [{"type": "function", "function": FUNCTION}]


def _litellm() -> Any:
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    return litellm


def _cohere(service: Service, path: str) -> dict[str, Any]:
    return {"model": f"cohere/{service.model}", "api_base": service.url + path, "api_key": service.key}


def _openai(service: Service) -> dict[str, Any]:
    return {"model": f"openai/{service.model}", "api_base": f"{service.url}/v1", "api_key": service.key}


def completion(service: Service, **options: Any) -> Any:
    return _litellm().completion(**_cohere(service, "/v2/chat"), **{"messages": MESSAGES, **options})


def stream(service: Service, **options: Any) -> Iterator[Any]:
    given = {"messages": MESSAGES, "stream": True, **options}
    yield from _litellm().completion(**_cohere(service, "/v2/chat"), **given)


def tools(service: Service) -> Any:
    return completion(service, tools=TOOLS)


def embedding(service: Service, **options: Any) -> Any:
    given = {"input": ["one", "two"], "input_type": "search_document", **options}
    return _litellm().embedding(**_cohere(service, "/v2/embed"), **given)


def rerank(service: Service, **options: Any) -> Any:
    return _litellm().rerank(**_cohere(service, ""), **{"query": "q", "documents": ["one", "two"], **options})


def openai_completion(service: Service, **options: Any) -> Any:
    return _litellm().completion(**_openai(service), **{"messages": MESSAGES, **options})


def openai_stream(service: Service, **options: Any) -> Iterator[Any]:
    yield from _litellm().completion(**_openai(service), **{"messages": MESSAGES, "stream": True, **options})


def openai_tools(service: Service) -> Any:
    return openai_completion(service, tools=TOOLS)


def openai_embedding(service: Service, **options: Any) -> Any:
    return _litellm().embedding(**_openai(service), **{"input": ["one", "two"], **options})
