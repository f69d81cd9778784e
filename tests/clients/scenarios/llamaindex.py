"""LlamaIndex with its integrations of Cohere."""

from collections.abc import Iterator
from typing import Any

from scenarios.service import Service


def _llm(service: Service) -> Any:
    from llama_index.llms.cohere import Cohere

    return Cohere(model=service.model, api_key=service.key, base_url=service.url, **service.settings)


def _messages() -> list[Any]:
    from llama_index.core.llms import ChatMessage

    return [ChatMessage(role="system", content="Be short."), ChatMessage(role="user", content="How is the weather?")]


def chat(service: Service, **options: Any) -> Any:
    return _llm(service).chat(_messages(), **options).message.content


def stream_chat(service: Service, **options: Any) -> Iterator[Any]:
    for piece in _llm(service).stream_chat(_messages(), **options):
        yield piece.delta


def complete(service: Service, **options: Any) -> Any:
    return _llm(service).complete("How is the weather?", **options).text


def tools(service: Service) -> Any:
    """Offer a tool to the model and return what it calls."""
    from llama_index.core.tools import FunctionTool

    def weather(town: str) -> str:
        """Return the weather of a town."""
        return f"{town}: blue"

    answer = _llm(service).chat_with_tools([FunctionTool.from_defaults(weather)], user_msg="Weather in Rome?")
    return answer.message.additional_kwargs["tool_calls"]


def embed(service: Service) -> Any:
    """Embed texts; the model has to be one that the package knows."""
    from llama_index.embeddings.cohere import CohereEmbedding

    embedding = CohereEmbedding(
        api_key=service.key, base_url=service.url, model_name=service.model, input_type="search_document"
    )
    return embedding.get_text_embedding_batch(["one", "two"])


def rerank(service: Service) -> Any:
    from llama_index.core.schema import NodeWithScore, TextNode
    from llama_index.postprocessor.cohere_rerank import CohereRerank

    ranker = CohereRerank(api_key=service.key, base_url=service.url, model=service.model, top_n=2)
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.1) for text in ("one", "two")]
    return [{"text": node.text, "score": node.score} for node in ranker.postprocess_nodes(nodes, query_str="q")]
