"""A way to use a client, and the values that many of them share."""

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
FUNCTION = {"name": "weather", "description": "The weather of a town.", "parameters": SCHEMA}
TOOLS = [{"type": "function", "function": FUNCTION}]
MANY_MESSAGES = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
    {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "How is the weather?"},
]
VECTORS = [[0.5, 1.0], [0.5, 2.0]]
TEXTS = ["one", "two"]
V2_TEXT = "message.content.0.text"
CONTENT = "choices.0.message.content"
DELTAS = "*.choices.0.delta.content"
CALLED = "choices.0.message.tool_calls.0.function.name"


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
        refused: the field that a proxy in front of the packages of tests/support/served.py refuses by name; empty when
            they can do it all.

    """

    scenario: str
    requests: tuple[str, ...]
    finds: tuple[str, Any]
    environments: tuple[str, ...] = COHERE
    options: dict[str, Any] = field(default_factory=dict)
    sends: dict[str, Any] | None = None
    model: str = "command-r"
    refused: str = ""

    @property
    def body(self) -> dict[str, Any]:
        return self.options if self.sends is None else self.sends

    def __str__(self) -> str:
        return f"{self.scenario}-{'-'.join(self.options)[:40]}".rstrip("-")


def find(value: Any, place: str) -> Any:
    """Return the value at a place, e.g. ``generations.0.text`` or ``last.usage``; after ``*`` all texts, joined."""
    first, _, rest = place.partition(".")
    if not first:
        return value
    if first == "*":
        return "".join(text for item in value if isinstance(text := find(item, rest), str))
    if first == "last":
        return find(value[-1], rest)
    if isinstance(value, list):
        return find(value[int(first)], rest) if first.isdigit() and int(first) < len(value) else None
    return find(value.get(first), rest) if isinstance(value, dict) else None
