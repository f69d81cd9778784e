"""What both versions of the chat body ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from local_aws.container.contract import Request

CONTEXT: Final = 128_000
"""The limit for messages and answer together, in tokens: docs.cohere.com, the Command R family."""

Kind: TypeAlias = Literal["document", "tool"]

_TEXTS: Final = ("text", "snippet", "content", "data")


@dataclass(frozen=True)
class Source:
    """What an answer can quote.

    Attributes:
        kind: a document of the request, or an output of a tool.
        id: its id in citations.
        content: its fields, as the answer returns them.
        shown: those of the fields that the model reads.

    """

    kind: Kind
    id: str
    content: Mapping[str, Any]
    shown: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Return the text to quote: the first field that usually has one, else all fields."""
        found = next((self.shown[name] for name in _TEXTS if isinstance(self.shown.get(name), str)), None)
        return found or ", ".join(f"{name}: {value}" for name, value in self.shown.items())


@dataclass(frozen=True)
class Tool:
    """A tool that the model may call.

    Attributes:
        name: its name.
        description: what it does.
        parameters: the JSON Schema of its arguments.

    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class ChatRequest:
    """A chat request.

    Attributes:
        question: the user's last message.
        sampling: the request that generates a text for the question.
        input_tokens: the tokens of everything that the model reads.
        max_tokens: the request's field; None when it has none.
        sources: what the answer quotes.
        tools: what the model may call.
        tool_choice: ``REQUIRED``, ``NONE``, or None when the model is free to call a tool.
        schema: the JSON Schema of a structured answer, empty for any object; None for a text.
        cites: whether the answer has citations.
        thinking_tokens: how many tokens the model may think before it answers; 0 for none.

    """

    question: str
    sampling: Request
    input_tokens: int
    max_tokens: int | None = None
    sources: tuple[Source, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: str | None = None
    schema: Mapping[str, Any] | None = None
    cites: bool = True
    thinking_tokens: int = 0
