"""Cohere's SDK for Python, version 4. It sends null for each option that is not given."""

from collections.abc import Iterator
from typing import Any

import cohere

from scenarios.service import Service


def _client(service: Service) -> Any:
    return cohere.Client(service.key, api_url=service.url, **service.settings)


def generate(service: Service, **options: Any) -> Any:
    generations = _client(service).generate(**{"prompt": "How is the weather?", **options})
    return {"texts": [generation.text for generation in generations]}


def generate_stream(service: Service, **options: Any) -> Iterator[Any]:
    for token in _client(service).generate(**{"prompt": "How is the weather?", "stream": True, **options}):
        yield {"index": token.index, "text": token.text, "is_finished": token.is_finished}


def chat(service: Service, **options: Any) -> Any:
    answer = _client(service).chat(**{"message": "How is the weather?", "model": service.model, **options})
    return {"text": answer.text}


def chat_stream(service: Service, **options: Any) -> Iterator[Any]:
    for event in _client(service).chat(**{"message": "How is the weather?", "stream": True, **options}):
        yield {"event_type": str(event.event_type), "text": getattr(event, "text", None)}


def embed(service: Service, **options: Any) -> Any:
    given = {"texts": ["one", "two"], "model": service.model, "input_type": "search_document", **options}
    return {"embeddings": _client(service).embed(**given).embeddings}


def rerank(service: Service, **options: Any) -> Any:
    found = _client(service).rerank(**{"query": "q", "documents": ["one", "two"], "model": service.model, **options})
    return {"results": [{"index": one.index, "relevance_score": one.relevance_score} for one in found]}


def check_api_key(service: Service) -> Any:
    return _client(service).check_api_key()
