"""LangChain with the packages langchain-cohere and langchain-openai."""

from collections.abc import Iterator
from typing import Any

from scenarios.service import Service


def _cohere(service: Service) -> Any:
    from langchain_cohere import ChatCohere

    return ChatCohere(cohere_api_key=service.key, base_url=service.url, model=service.model, **service.settings)


def _openai(service: Service) -> Any:
    from langchain_openai import ChatOpenAI

    given = {"api_key": service.key, "base_url": f"{service.url}/v1", "model": service.model}
    return ChatOpenAI(**given, **service.http("http_client"), **service.settings)


def _weather() -> Any:
    from langchain_core.tools import tool

    def weather(town: str) -> str:
        """Return the weather of a town."""
        return f"{town}: blue"

    return tool(weather)


def _town() -> Any:
    import pydantic

    return pydantic.create_model("Town", __doc__="A town.", name=(str, ...))


def _called(model: Any) -> list[Any]:
    """Let the model call a tool, and return the tool's result to it: two requests."""
    from langchain_core.messages import HumanMessage

    weather = _weather()
    bound = model.bind_tools([weather])
    asked = HumanMessage("What is the weather in Rome?")
    first = bound.invoke([asked])
    return [first, bound.invoke([asked, first, weather.invoke(first.tool_calls[0])])]


def invoke(service: Service, **options: Any) -> Any:
    return _cohere(service).invoke([("system", "Be short."), ("human", "How is the weather?")], **options)


def stream(service: Service, **options: Any) -> Iterator[Any]:
    yield from _cohere(service).stream("How is the weather?", **options)


def without_model(service: Service) -> Any:
    """Let LangChain look up the default model of the service."""
    from langchain_cohere import ChatCohere

    return ChatCohere(cohere_api_key=service.key, base_url=service.url).invoke("How is the weather?")


def bind_tools(service: Service) -> list[Any]:
    return _called(_cohere(service))


def with_structured_output(service: Service, method: str = "json_schema") -> Any:
    return _cohere(service).with_structured_output(_town(), method=method).invoke("Name a town.")


def embed_documents(service: Service) -> Any:
    return _embeddings(service).embed_documents(["one", "two"])


def embed_query(service: Service) -> Any:
    return _embeddings(service).embed_query("one")


def _embeddings(service: Service) -> Any:
    from langchain_cohere import CohereEmbeddings

    given = {"cohere_api_key": service.key, "base_url": service.url, "model": service.model}
    return CohereEmbeddings(**given, **service.settings)


def rerank(service: Service) -> Any:
    from langchain_cohere import CohereRerank

    ranker = CohereRerank(cohere_api_key=service.key, base_url=service.url, model=service.model)
    return ranker.rerank(["one", "two"], "q")


def openai_invoke(service: Service, **options: Any) -> Any:
    return _openai(service).invoke([("system", "Be short."), ("human", "How is the weather?")], **options)


def openai_stream(service: Service, **options: Any) -> Iterator[Any]:
    yield from _openai(service).stream("How is the weather?", **options)


def openai_bind_tools(service: Service) -> list[Any]:
    return _called(_openai(service))


def openai_with_structured_output(service: Service, method: str = "json_schema") -> Any:
    return _openai(service).with_structured_output(_town(), method=method).invoke("Name a town.")


def openai_embed_documents(service: Service) -> Any:
    """Embed texts; with ``check_embedding_ctx_length``, its default, the package sends tokens of OpenAI's models."""
    from langchain_openai import OpenAIEmbeddings

    given = {"api_key": service.key, "base_url": f"{service.url}/v1", "model": service.model}
    return OpenAIEmbeddings(**given, check_embedding_ctx_length=False).embed_documents(["one", "two"])
