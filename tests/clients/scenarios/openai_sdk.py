"""OpenAI's SDK for Python. Its base URL has the dialect's path: ``…/compatibility/v1`` or ``…/v1``."""

from collections.abc import Iterator
from typing import Any

import openai

from scenarios.service import Service

MESSAGES = [{"role": "user", "content": "How is the weather?"}]
PATH = "/compatibility/v1"


def _client(service: Service, path: str) -> Any:
    return openai.OpenAI(
        api_key=service.key, base_url=service.url + path, **service.http("http_client"), **service.settings
    )


def chat(service: Service, path: str = PATH, **options: Any) -> Any:
    return _client(service, path).chat.completions.create(**{"model": service.model, "messages": MESSAGES, **options})


def chat_stream(service: Service, path: str = PATH, **options: Any) -> Iterator[Any]:
    given = {"model": service.model, "messages": MESSAGES, "stream": True, **options}
    yield from _client(service, path).chat.completions.create(**given)


def parse(service: Service, path: str = PATH) -> Any:
    """Ask for an answer of a schema; the SDK makes the ``response_format`` of a pydantic model."""
    import pydantic

    town = pydantic.create_model("Town", name=(str, ...))
    client = _client(service, path)
    answer = client.chat.completions.parse(model=service.model, messages=MESSAGES, response_format=town)
    return answer.choices[0].message.parsed


def tools(service: Service, path: str = PATH, **options: Any) -> list[Any]:
    """Call a tool and return its result to the model: two requests."""
    parameters = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
    given = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    client = _client(service, path)
    first = client.chat.completions.create(model=service.model, messages=MESSAGES, tools=given, **options)
    message = first.choices[0].message
    answered = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": '{"sky": "blue"}'}
    second = client.chat.completions.create(model=service.model, messages=[*MESSAGES, message, answered], tools=given)
    return [first, second]


def embed(service: Service, path: str = PATH, **options: Any) -> Any:
    """Embed; unless told otherwise the SDK asks for base64 and decodes it."""
    return _client(service, path).embeddings.create(**{"model": service.model, "input": ["one", "two"], **options})


def models_list(service: Service, path: str = PATH) -> Any:
    return list(_client(service, path).models.list())


def models_get(service: Service, path: str = PATH) -> Any:
    return _client(service, path).models.retrieve(service.model)
