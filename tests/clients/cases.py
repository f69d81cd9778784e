"""The ways to use the clients: for each scenario its options, the requests that it sends, and what the caller finds.

The clients' own facts are tested with a server of scripted answers; the same cases serve for a deployed proxy.
"""

from dataclasses import dataclass, field
from typing import Any

COHERE = ("newest", "oldest")
GENERATE, CHAT, EMBED, RERANK = "POST /v1/generate", "POST /v1/chat", "POST /v1/embed", "POST /v1/rerank"
V2_CHAT, V2_EMBED, V2_RERANK = "POST /v2/chat", "POST /v2/embed", "POST /v2/rerank"
OPENAI = "/compatibility/v1"
COMPLETIONS, EMBEDDINGS = f"POST {OPENAI}/chat/completions", f"POST {OPENAI}/embeddings"
V1_COMPLETIONS, V1_EMBEDDINGS = "POST /v1/chat/completions", "POST /v1/embeddings"

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
SAMPLING: dict[str, Any] = {
    "max_tokens": 5,
    "temperature": 0.3,
    "k": 3,
    "p": 0.75,
    "seed": 7,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "stop_sequences": ["END"],
}
WITHOUT_SEED = {name: value for name, value in SAMPLING.items() if name not in ("seed", "stop_sequences")}
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
FUNCTION = {"name": "weather", "description": "The weather of a town.", "parameters": SCHEMA}
TOOLS = [{"type": "function", "function": FUNCTION}]
MANY_MESSAGES = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
    {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "Hi"},
]
V2_CHAT_OPTIONS = {
    **SAMPLING,
    "messages": MANY_MESSAGES,
    "documents": [{"id": "1", "data": {"title": "a", "text": "b"}}, "plain text"],
    "citation_options": {"mode": "FAST"},
    "safety_mode": "CONTEXTUAL",
}
OPENAI_OPTIONS: dict[str, Any] = {
    "messages": MANY_MESSAGES,
    "max_tokens": 5,
    "temperature": 0.3,
    "top_p": 0.75,
    "seed": 7,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "stop": ["END"],
    "n": 2,
    "user": "somebody",
}
NEW_OPENAI_OPTIONS = {
    "max_completion_tokens": 5,
    "logprobs": True,
    "top_logprobs": 2,
    "tools": TOOLS,
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "reasoning_effort": "low",
    "metadata": {"team": "a"},
}
IMAGE = "data:image/png;base64,iVBORw0KGgo="
VECTORS = [[0.5, 1.0], [0.5, 2.0]]


@dataclass(frozen=True)
class Case:
    """One way to use a client.

    Attributes:
        scenario: the scenario's module and function.
        requests: the requests that it sends, method and path.
        finds: the place of a value in what the caller gets (``*``: the texts of all items, joined) and the value.
        environments: the environments that can run it.
        options: the options of the call.
        sends: fields of the last body; default the options.
        model: the model's name.

    """

    scenario: str
    requests: tuple[str, ...]
    finds: tuple[str, Any]
    environments: tuple[str, ...] = COHERE
    options: dict[str, Any] = field(default_factory=dict)
    sends: dict[str, Any] | None = None
    model: str = "command-r"

    @property
    def body(self) -> dict[str, Any]:
        return self.options if self.sends is None else self.sends

    def __str__(self) -> str:
        return f"{self.scenario}-{'-'.join(self.options)[:40]}".rstrip("-")


def find(value: Any, place: str) -> Any:
    """Return the value at a place, e.g. ``generations.0.text``; after ``*`` the texts of all items that have one."""
    first, _, rest = place.partition(".")
    if not first:
        return value
    if first == "*":
        return "".join(text for item in value if isinstance(text := find(item, rest), str))
    if isinstance(value, list):
        return find(value[int(first)], rest) if first.isdigit() and int(first) < len(value) else None
    return find(value.get(first), rest) if isinstance(value, dict) else None


_TOWN_SCHEMA = {"type": "json_object", "schema": SCHEMA}
_TEXTS = ["one", "two"]
_TEXT_INPUT = {"content": [{"type": "text", "text": "one"}]}
_V2_DELTAS = "*.delta.message.content.text"
_V2_TEXT = "message.content.0.text"
_ONLY_NEW = ("newest",)

COHERE_CASES = [
    Case("cohere_sdk.generate", (GENERATE,), ("generations.0.text", "ok")),
    Case("cohere_sdk.generate", (GENERATE,), ("generations.0.text", "ok"), options=GENERATE_OPTIONS),
    Case("cohere_sdk.generate_stream", (GENERATE,), ("*.text", "ok"), options=SAMPLING),
    Case("cohere_sdk.chat", (CHAT,), ("text", "ok")),
    Case("cohere_sdk.chat", (CHAT,), ("text", "ok"), options=V1_CHAT_OPTIONS),
    Case("cohere_sdk.chat", (CHAT,), ("text", "ok"), options={"response_format": _TOWN_SCHEMA}),
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
    Case("cohere_sdk.v2_chat", (V2_CHAT,), (_V2_TEXT, "ok")),
    Case("cohere_sdk.v2_chat", (V2_CHAT,), (_V2_TEXT, "ok"), options=V2_CHAT_OPTIONS),
    Case(
        "cohere_sdk.v2_chat",
        (V2_CHAT,),
        (_V2_TEXT, "ok"),
        _ONLY_NEW,
        {"logprobs": True, "thinking": {"type": "disabled"}, "priority": 1},
    ),
    Case("cohere_sdk.v2_chat", (V2_CHAT,), (_V2_TEXT, '{"name": "Rome"}'), options={"response_format": _TOWN_SCHEMA}),
    Case(
        "cohere_sdk.v2_chat",
        (V2_CHAT,),
        ("message.tool_calls.0.function.name", "weather"),
        _ONLY_NEW,
        {"tools": TOOLS, "tool_choice": "REQUIRED", "strict_tools": True},
    ),
    Case("cohere_sdk.v2_tools", (V2_CHAT, V2_CHAT), (f"1.{_V2_TEXT}", "ok")),
    Case("cohere_sdk.v2_chat_stream", (V2_CHAT,), (_V2_DELTAS, "ok"), options=V2_CHAT_OPTIONS),
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
        _ONLY_NEW,
        {"texts": None, "inputs": [_TEXT_INPUT], "output_dimension": 256, "max_tokens": 9},
        {"inputs": [_TEXT_INPUT], "output_dimension": 256},
    ),
    Case("cohere_sdk.v2_rerank", (V2_RERANK,), ("results.0.index", 0), options={"top_n": 1}),
    Case("cohere_sdk.v2_rerank", (V2_RERANK,), ("results.1.index", 1), _ONLY_NEW, {"max_tokens_per_doc": 9}),
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
        sends={"documents": [{"text": text} for text in _TEXTS]},
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
    Case("node.v2_chat", (V2_CHAT,), (_V2_TEXT, "ok"), ("node",), {"maxTokens": 5}, {"max_tokens": 5}),
    Case("node.v2_chat_stream", (V2_CHAT,), (_V2_DELTAS, "ok"), ("node",)),
    Case("node.v2_embed", (V2_EMBED,), ("embeddings.float", VECTORS), ("node",)),
    Case("node.v2_rerank", (V2_RERANK,), ("results.1.index", 1), ("node",)),
]

_CONTENT = "choices.0.message.content"
_DELTAS = "*.choices.0.delta.content"
_CALLED = "choices.0.message.tool_calls.0.function.name"

OPENAI_CASES = [
    Case("openai_sdk.chat", (COMPLETIONS,), (_CONTENT, "ok")),
    Case("openai_sdk.chat", (V1_COMPLETIONS,), (_CONTENT, "ok"), options={"path": "/v1"}, sends={}),
    Case("openai_sdk.chat", (COMPLETIONS,), (_CONTENT, "ok"), options=OPENAI_OPTIONS),
    Case("openai_sdk.chat", (COMPLETIONS,), (_CALLED, "weather"), _ONLY_NEW, NEW_OPENAI_OPTIONS),
    Case(
        "openai_sdk.chat",
        (COMPLETIONS,),
        (_CONTENT, '{"name": "Rome"}'),
        options={"response_format": {"type": "json_object"}},
    ),
    Case("openai_sdk.parse", (COMPLETIONS,), ("name", "Rome"), _ONLY_NEW),
    Case("openai_sdk.tools", (COMPLETIONS, COMPLETIONS), (f"1.{_CONTENT}", "ok")),
    Case("openai_sdk.chat_stream", (COMPLETIONS,), (_DELTAS, "ok"), options={"max_tokens": 5}),
    Case(
        "openai_sdk.chat_stream",
        (COMPLETIONS,),
        ("4.usage.total_tokens", 3),
        _ONLY_NEW,
        {"stream_options": {"include_usage": True}},
    ),
    Case(
        "openai_sdk.chat_stream",
        (COMPLETIONS,),
        ("*.choices.0.delta.tool_calls.0.function.name", "weather"),
        options={"tools": TOOLS},
    ),
    Case(
        "openai_sdk.embed",
        (EMBEDDINGS,),
        ("data.1.embedding", VECTORS[1]),
        _ONLY_NEW,
        sends={"encoding_format": "base64"},
    ),
    Case("openai_sdk.embed", (EMBEDDINGS,), ("data.1.embedding", VECTORS[1]), options={"encoding_format": "float"}),
    Case(
        "openai_sdk.embed",
        (EMBEDDINGS,),
        ("data.0.embedding", VECTORS[0]),
        _ONLY_NEW,
        {"input": "one", "dimensions": 256},
    ),
    Case("openai_sdk.embed", (V1_EMBEDDINGS,), ("data.0.embedding", VECTORS[0]), options={"path": "/v1"}, sends={}),
    Case("openai_sdk.models_list", (f"GET {OPENAI}/models",), ("0.id", "command-r")),
    Case("openai_sdk.models_get", (f"GET {OPENAI}/models/command-r",), ("id", "command-r")),
]

_FRAMEWORKS = ("frameworks",)
FRAMEWORK_CASES = [
    Case(
        "langchain.invoke",
        (V2_CHAT,),
        ("content", "ok"),
        _FRAMEWORKS,
        {**WITHOUT_SEED, "stop": ["END"]},
        {**WITHOUT_SEED, "stop_sequences": ["END"]},
    ),
    Case("langchain.stream", (V2_CHAT,), ("*.content", "ok"), _FRAMEWORKS),
    Case(
        "langchain.without_model",
        ("GET /v1/models", V2_CHAT),
        ("content", "ok"),
        _FRAMEWORKS,
        sends={"model": "command-r"},
    ),
    Case("langchain.bind_tools", (V2_CHAT, V2_CHAT), ("1.content", "ok"), _FRAMEWORKS),
    Case("langchain.with_structured_output", (V2_CHAT,), ("name", "Rome"), _FRAMEWORKS),
    Case("langchain.with_structured_output", (V2_CHAT,), ("name", "Rome"), _FRAMEWORKS, {"method": "json_mode"}, {}),
    Case(
        "langchain.embed_documents",
        (EMBED,),
        ("", VECTORS),
        _FRAMEWORKS,
        sends={"truncate": None, "embedding_types": ["float"]},
    ),
    Case("langchain.embed_query", (EMBED,), ("", VECTORS[0]), _FRAMEWORKS, sends={"input_type": "search_query"}),
    Case("langchain.rerank", (V2_RERANK,), ("1.index", 1), _FRAMEWORKS, sends={"max_tokens_per_doc": None, "top_n": 3}),
    Case("langchain.openai_invoke", (V1_COMPLETIONS,), ("content", "ok"), _FRAMEWORKS, {"temperature": 0.3}),
    Case("langchain.openai_stream", (V1_COMPLETIONS,), ("*.content", "ok"), _FRAMEWORKS),
    Case("langchain.openai_bind_tools", (V1_COMPLETIONS, V1_COMPLETIONS), ("1.content", "ok"), _FRAMEWORKS),
    Case("langchain.openai_with_structured_output", (V1_COMPLETIONS,), ("name", "Rome"), _FRAMEWORKS),
    Case("langchain.openai_embed_documents", (V1_EMBEDDINGS,), ("", VECTORS), _FRAMEWORKS, sends={"input": _TEXTS}),
    Case(
        "litellm_sdk.completion",
        (V2_CHAT,),
        (_CONTENT, "ok"),
        _FRAMEWORKS,
        {"max_tokens": 5, "temperature": 0.3, "seed": 7, "top_p": 0.75, "stop": ["END"]},
        {"max_tokens": 5, "temperature": 0.3, "seed": 7, "p": 0.75, "stop_sequences": ["END"]},
    ),
    Case("litellm_sdk.stream", (V2_CHAT,), (_DELTAS, "ok"), _FRAMEWORKS),
    Case("litellm_sdk.tools", (V2_CHAT,), (_CALLED, "weather"), _FRAMEWORKS),
    Case("litellm_sdk.embedding", (V2_EMBED,), ("data.1.embedding", VECTORS[1]), _FRAMEWORKS, sends={"texts": _TEXTS}),
    Case("litellm_sdk.rerank", (V2_RERANK,), ("results.1.index", 1), _FRAMEWORKS, sends={"return_documents": True}),
    Case("litellm_sdk.openai_completion", (V1_COMPLETIONS,), (_CONTENT, "ok"), _FRAMEWORKS, {"max_tokens": 5}),
    Case("litellm_sdk.openai_stream", (V1_COMPLETIONS,), (_DELTAS, "ok"), _FRAMEWORKS),
    Case("litellm_sdk.openai_tools", (V1_COMPLETIONS,), (_CALLED, "weather"), _FRAMEWORKS),
    Case(
        "litellm_sdk.openai_embedding",
        (V1_EMBEDDINGS,),
        ("data.1.embedding", VECTORS[1]),
        _FRAMEWORKS,
        sends={"input": _TEXTS},
    ),
    Case(
        "llamaindex.chat",
        (CHAT,),
        ("", "ok"),
        _FRAMEWORKS,
        sends={"chat_history": [{"role": "System", "message": "Be short."}]},
    ),
    Case("llamaindex.stream_chat", (CHAT,), ("*", "ok"), _FRAMEWORKS),
    Case("llamaindex.complete", (GENERATE,), ("", "ok"), _FRAMEWORKS, sends={"temperature": None}),
    Case("llamaindex.tools", (CHAT,), ("0.name", "weather"), _FRAMEWORKS),
    Case("llamaindex.embed", (V2_EMBED,), ("", VECTORS), _FRAMEWORKS, model="embed-english-v3.0"),
    Case("llamaindex.rerank", (V2_RERANK,), ("1.text", "two"), _FRAMEWORKS, sends={"top_n": 2}),
]

CASES = [*COHERE_CASES, *OPENAI_CASES, *FRAMEWORK_CASES]
