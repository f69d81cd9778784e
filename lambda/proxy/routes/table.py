"""The routes of the API: the one place that knows a path.

It imports nothing but the standard library: the construct library loads this file by itself, to declare the same routes
in API Gateway, and so does the writer of the OpenAPI document.
Sources: docs.cohere.com, API v1, API v2 and "Using Cohere models via the OpenAI SDK";
platform.openai.com/docs/api-reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Route:
    """A route.

    Attributes:
        name: its name in logs and identifiers.
        method: the HTTP method.
        path: the path, with a slash at its beginning; it may end with ``{name}``.
        dialect: whose shape errors have: ``cohere`` or ``openai``.
        schema: the file of the JSON Schema of its request bodies, in ``schemas/``; empty for a request without a body.
        translations: by what the container answers, the module in ``dialects`` that translates to it and back.
        also_at: further paths.
        streams: whether its answer can be a stream.

    """

    name: str
    method: str
    path: str
    dialect: str = "cohere"
    schema: str = ""
    translations: Mapping[str, str] = field(default_factory=dict)
    also_at: tuple[str, ...] = ()
    streams: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """Return every path of the route."""
        return (self.path, *self.also_at)


HEALTH: Final = Route("health", "GET", "/healthz")
MODELS: Final = Route("models", "GET", "/v1/models")
MODEL: Final = Route("model", "GET", "/v1/models/{name}")
CHECK_API_KEY: Final = Route("check_api_key", "POST", "/v1/check-api-key")
OPENAI_MODELS: Final = Route("openai_models", "GET", "/compatibility/v1/models", "openai")
OPENAI_MODEL: Final = Route("openai_model", "GET", "/compatibility/v1/models/{name}", "openai")

GENERATE: Final = Route(
    "generate",
    "POST",
    "/v1/generate",
    schema="generate.json",
    translations={"generate": "cohere_v1.generate", "chat": "cohere_v1.generate_on_chat"},
    streams=True,
)
CHAT: Final = Route(
    "chat", "POST", "/v1/chat", schema="chat.json", translations={"chat": "cohere_v1.chat"}, streams=True
)
EMBED: Final = Route("embed", "POST", "/v1/embed", schema="embed.json", translations={"embed": "cohere_v1.embed"})
RERANK: Final = Route("rerank", "POST", "/v1/rerank", schema="rerank.json", translations={"rerank": "cohere_v1.rerank"})
CHAT_V2: Final = Route(
    "chat_v2",
    "POST",
    "/v2/chat",
    schema="chat_v2.json",
    translations={"chat": "cohere_v2.chat_on_chat", "chat_v2": "cohere_v2.chat"},
    streams=True,
)
EMBED_V2: Final = Route(
    "embed_v2", "POST", "/v2/embed", schema="embed_v2.json", translations={"embed": "cohere_v2.embed"}
)
RERANK_V2: Final = Route(
    "rerank_v2", "POST", "/v2/rerank", schema="rerank_v2.json", translations={"rerank": "cohere_v2.rerank"}
)
CHAT_COMPLETIONS: Final = Route(
    "chat_completions",
    "POST",
    "/compatibility/v1/chat/completions",
    "openai",
    "chat_completions.json",
    {"chat": "openai.chat_on_chat", "chat_v2": "openai.chat"},
    also_at=("/v1/chat/completions",),
    streams=True,
)
EMBEDDINGS: Final = Route(
    "embeddings",
    "POST",
    "/compatibility/v1/embeddings",
    "openai",
    "embeddings.json",
    {"embed": "openai.embeddings"},
    also_at=("/v1/embeddings",),
)

ROUTES: Final = (
    *(GENERATE, CHAT, EMBED, RERANK),
    *(CHAT_V2, EMBED_V2, RERANK_V2),
    *(CHAT_COMPLETIONS, EMBEDDINGS),
    *(MODELS, MODEL, CHECK_API_KEY, OPENAI_MODELS, OPENAI_MODEL, HEALTH),
)
"""Every route, in the order of the documents."""

RETIRED: Final = {
    "/v1/tokenize": "count tokens with the model's own tokenizer: huggingface.co/Cohere has it",
    "/v1/detokenize": "use the model's own tokenizer: huggingface.co/Cohere has it",
    "/v1/classify": "ask for the label with /v2/chat and a response_format, or train a classifier on /v2/embed",
    "/v1/summarize": "ask for a summary with /v2/chat",
}
"""Routes of Cohere's that no container answers, and what to do instead."""

APIS: Final = tuple(dict.fromkeys(api for route in ROUTES for api in route.translations))
"""What a container may answer for the proxy to be of use."""

LIMITS: Final = ("MAX_TOKENS", "MAX_GENERATIONS", "MAX_PROMPT_CHARACTERS")
"""The limits that an environment sets, by their names in the schemas."""

VARIANT_HEADER: Final = "x-target-variant"
"""The header that names a variant of the endpoint."""


def routes_for(apis: frozenset[str] | set[str]) -> tuple[Route, ...]:
    """Return the routes that an environment has, given what its containers answer."""
    return tuple(route for route in ROUTES if not route.translations or apis & set(route.translations))
