"""Cohere's SDKs: Python 7, 5.10 and 4, and Node."""

from tests.clients.cases.case import (
    CHAT,
    EMBED,
    GENERATE,
    MANY_MESSAGES,
    RERANK,
    SAMPLING,
    SCHEMA,
    TEXTS,
    TOOLS,
    V2_CHAT,
    V2_EMBED,
    V2_RERANK,
    V2_TEXT,
    VECTORS,
    WITHOUT_SEED,
    Case,
)

GENERATE_OPTIONS = {**SAMPLING, "num_generations": 1, "truncate": "END", "return_likelihoods": "NONE"}
V1_TOOLS = [
    {
        "name": "weather",
        "description": "The weather of a town.",
        "parameter_definitions": {"town": {"description": "a town", "type": "str", "required": True}},
    }
]
V1_CHAT_OPTIONS = {
    **SAMPLING,
    "preamble": "Be short.",
    "chat_history": [{"role": "USER", "message": "Hello"}, {"role": "CHATBOT", "message": "Hello!"}],
    "documents": [{"title": "a", "text": "b"}],
    "citation_quality": "fast",
    "safety_mode": "CONTEXTUAL",
}
V2_CHAT_OPTIONS = {
    **SAMPLING,
    "messages": MANY_MESSAGES,
    "documents": [{"id": "1", "data": {"title": "a", "text": "b"}}, "plain text"],
    "citation_options": {"mode": "FAST"},
    "safety_mode": "CONTEXTUAL",
}
IMAGE = "data:image/png;base64,iVBORw0KGgo="
NEWEST = ("newest",)
TOWN = {"type": "json_object", "schema": SCHEMA}
INPUT = {"content": [{"type": "text", "text": "one"}]}
V2_DELTAS = "*.delta.message.content.text"

COHERE_CASES = [
    Case("cohere_sdk.generate", (GENERATE,), ("generations.0.text", "ok")),
    Case(
        "cohere_sdk.generate", (GENERATE,), ("generations.0.text", "ok"), options=GENERATE_OPTIONS, refused="truncate"
    ),
    Case("cohere_sdk.generate_stream", (GENERATE,), ("*.text", "ok"), options=SAMPLING),
    Case("cohere_sdk.chat", (CHAT,), ("text", "ok")),
    Case("cohere_sdk.chat", (CHAT,), ("text", "ok"), options=V1_CHAT_OPTIONS),
    Case("cohere_sdk.chat", (CHAT,), ("text", "ok"), options={"response_format": TOWN}),
    Case("cohere_sdk.chat", (CHAT,), ("tool_calls.0.name", "weather"), options={"tools": V1_TOOLS}),
    Case("cohere_sdk.chat_stream", (CHAT,), ("*.text", "ok"), options=V1_CHAT_OPTIONS),
    Case("cohere_sdk.embed", (EMBED,), ("embeddings", VECTORS)),
    Case(
        "cohere_sdk.embed",
        (EMBED,),
        ("embeddings.float_", VECTORS),
        options={"embedding_types": ["float"], "truncate": "END"},
    ),
    Case("cohere_sdk.rerank", (RERANK,), ("results.1.index", 1)),
    Case(
        "cohere_sdk.rerank",
        (RERANK,),
        ("results.0.index", 0),
        options={"documents": [{"text": "a"}, {"text": "b"}], "top_n": 1, "return_documents": False},
    ),
    Case("cohere_sdk.models_list", ("GET /v1/models",), ("models.0.name", "command-r")),
    Case("cohere_sdk.models_get", ("GET /v1/models/command-r",), ("name", "command-r")),
    Case("cohere_sdk.v2_chat", (V2_CHAT,), (V2_TEXT, "ok")),
    Case("cohere_sdk.v2_chat", (V2_CHAT,), (V2_TEXT, "ok"), options=V2_CHAT_OPTIONS),
    Case(
        "cohere_sdk.v2_chat",
        (V2_CHAT,),
        (V2_TEXT, "ok"),
        NEWEST,
        {"logprobs": True, "thinking": {"type": "disabled"}, "priority": 1},
        refused="logprobs",
    ),
    Case("cohere_sdk.v2_chat", (V2_CHAT,), (V2_TEXT, '{"name": "Rome"}'), options={"response_format": TOWN}),
    Case(
        "cohere_sdk.v2_chat",
        (V2_CHAT,),
        ("message.tool_calls.0.function.name", "weather"),
        NEWEST,
        {"tools": TOOLS, "tool_choice": "REQUIRED", "strict_tools": True},
        refused="tool_choice",
    ),
    Case("cohere_sdk.v2_tools", (V2_CHAT, V2_CHAT), (f"1.{V2_TEXT}", "ok")),
    Case("cohere_sdk.v2_chat_stream", (V2_CHAT,), (V2_DELTAS, "ok"), options=V2_CHAT_OPTIONS),
    Case(
        "cohere_sdk.v2_chat_stream",
        (V2_CHAT,),
        ("*.delta.message.tool_calls.function.arguments", '{"town": "Rome"}'),
        options={"tools": TOOLS},
    ),
    Case("cohere_sdk.v2_embed", (V2_EMBED,), ("embeddings.float_", VECTORS), options={"truncate": "END"}),
    Case(
        "cohere_sdk.v2_embed",
        (V2_EMBED,),
        ("embeddings.float_", VECTORS[:1]),
        options={"texts": None, "images": [IMAGE], "input_type": "image"},
        sends={"images": [IMAGE]},
    ),
    Case(
        "cohere_sdk.v2_embed",
        (V2_EMBED,),
        ("embeddings.float_", VECTORS[:1]),
        NEWEST,
        {"texts": None, "inputs": [INPUT], "output_dimension": 256, "max_tokens": 9},
        {"inputs": [INPUT], "output_dimension": 256},
    ),
    Case("cohere_sdk.v2_rerank", (V2_RERANK,), ("results.0.index", 0), options={"top_n": 1}),
    Case("cohere_sdk.v2_rerank", (V2_RERANK,), ("results.1.index", 1), NEWEST, {"max_tokens_per_doc": 9}),
    Case("cohere4_sdk.generate", (GENERATE,), ("texts.0", "ok"), ("cohere4",), {**WITHOUT_SEED, "num_generations": 1}),
    Case("cohere4_sdk.generate_stream", (GENERATE,), ("*.text", "ok"), ("cohere4",), WITHOUT_SEED),
    Case("cohere4_sdk.chat", (CHAT,), ("text", "ok"), ("cohere4",), {"preamble": "Be short.", "max_tokens": 5}),
    Case("cohere4_sdk.chat_stream", (CHAT,), ("*.text", "ok"), ("cohere4",)),
    Case("cohere4_sdk.embed", (EMBED,), ("embeddings", VECTORS), ("cohere4",)),
    Case(
        "cohere4_sdk.rerank",
        (RERANK,),
        ("results.1.index", 1),
        ("cohere4",),
        sends={"documents": [{"text": text} for text in TEXTS]},
    ),
    Case("node.generate", (GENERATE,), ("generations.0.text", "ok"), ("node",), {"maxTokens": 5}, {"max_tokens": 5}),
    Case("node.generate_stream", (GENERATE,), ("*.text", "ok"), ("node",)),
    Case("node.chat", (CHAT,), ("text", "ok"), ("node",), {"preamble": "Be short."}),
    Case("node.chat_stream", (CHAT,), ("*.text", "ok"), ("node",)),
    Case("node.embed", (EMBED,), ("embeddings", VECTORS), ("node",)),
    Case("node.rerank", (RERANK,), ("results.1.index", 1), ("node",)),
    Case("node.models_list", ("GET /v1/models",), ("models.0.name", "command-r"), ("node",)),
    Case("node.models_get", ("GET /v1/models/command-r",), ("name", "command-r"), ("node",)),
    Case("node.check_api_key", ("POST /v1/check-api-key",), ("valid", True), ("node",)),
    Case("node.v2_chat", (V2_CHAT,), (V2_TEXT, "ok"), ("node",), {"maxTokens": 5}, {"max_tokens": 5}),
    Case("node.v2_chat_stream", (V2_CHAT,), (V2_DELTAS, "ok"), ("node",)),
    Case("node.v2_embed", (V2_EMBED,), ("embeddings.float", VECTORS), ("node",)),
    Case("node.v2_rerank", (V2_RERANK,), ("results.1.index", 1), ("node",)),
]
