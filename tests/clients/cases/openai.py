"""OpenAI's SDK for Python: the newest version, and 1.2."""

from typing import Any

from tests.clients.cases.case import (
    CALLED,
    COMPLETIONS,
    CONTENT,
    DELTAS,
    EMBEDDINGS,
    MANY_MESSAGES,
    OPENAI,
    TOOLS,
    V1_COMPLETIONS,
    V1_EMBEDDINGS,
    VECTORS,
    Case,
)

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
NEWEST = ("newest",)

OPENAI_CASES = [
    Case("openai_sdk.chat", (COMPLETIONS,), (CONTENT, "ok")),
    Case("openai_sdk.chat", (V1_COMPLETIONS,), (CONTENT, "ok"), options={"path": "/v1"}, sends={}),
    Case("openai_sdk.chat", (COMPLETIONS,), (CONTENT, "ok"), options=OPENAI_OPTIONS, refused="n"),
    Case(
        "openai_sdk.chat", (COMPLETIONS,), (CALLED, "weather"), NEWEST, NEW_OPENAI_OPTIONS, refused="reasoning_effort"
    ),
    Case(
        "openai_sdk.chat",
        (COMPLETIONS,),
        (CONTENT, '{"name": "Rome"}'),
        options={"response_format": {"type": "json_object"}},
    ),
    Case("openai_sdk.parse", (COMPLETIONS,), ("name", "Rome"), NEWEST),
    Case("openai_sdk.tools", (COMPLETIONS, COMPLETIONS), (f"1.{CONTENT}", "ok")),
    Case("openai_sdk.chat_stream", (COMPLETIONS,), (DELTAS, "ok"), options={"max_tokens": 5}),
    Case(
        "openai_sdk.chat_stream",
        (COMPLETIONS,),
        ("last.usage.total_tokens", 3),
        NEWEST,
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
        NEWEST,
        sends={"encoding_format": "base64"},
    ),
    Case("openai_sdk.embed", (EMBEDDINGS,), ("data.1.embedding", VECTORS[1]), options={"encoding_format": "float"}),
    Case(
        "openai_sdk.embed",
        (EMBEDDINGS,),
        ("data.0.embedding", VECTORS[0]),
        NEWEST,
        {"input": "one", "dimensions": 256},
    ),
    Case("openai_sdk.embed", (V1_EMBEDDINGS,), ("data.0.embedding", VECTORS[0]), options={"path": "/v1"}, sends={}),
    Case("openai_sdk.models_list", (f"GET {OPENAI}/models",), ("0.id", "command-r")),
    Case("openai_sdk.models_get", (f"GET {OPENAI}/models/command-r",), ("id", "command-r")),
]
