"""Replies to a chat request: a generated text, quotations, calls of tools, or a structured answer."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from local_aws.container import generation, tokens
from local_aws.container.chat import schemas
from local_aws.container.chat.request import ChatRequest, Source, Tool
from local_aws.container.contract import Request
from local_aws.container.generation import Generation
from local_aws.container.retrieval.vectors import cosine, vector

_QUOTED_SOURCES: Final = 2
_LONGEST_QUOTE: Final = 300
_SIZE: Final = 2048
_STRUCTURED_TOKENS: Final = 12
"""The tokens of a text in a structured answer without a schema, so that the object ends before ``max_tokens``."""

_SENTENCE: Final = re.compile(r".+?(?:[.!?](?=\s|$)|$)", re.MULTILINE)
_WORD: Final = re.compile(r"[A-Z]?[a-z]{3,}")
_COMMON: Final = frozenset(
    {
        *("about", "all", "and", "any", "are", "can", "for", "from", "get", "given", "has", "have", "how", "into"),
        *("its", "not", "our", "out", "return", "returns", "some", "tell", "that", "the", "them", "then", "this"),
        *("use", "was", "what", "when", "where", "which", "who", "why", "will", "with", "you", "your"),
    }
)


@dataclass(frozen=True)
class Citation:
    """A part of the text, from ``start`` to before ``end`` in characters, that quotes a source."""

    start: int
    end: int
    source: Source


@dataclass(frozen=True)
class Call:
    """A call of a tool."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the model answers.

    Attributes:
        generation: the text; empty with calls.
        citations: its citations.
        calls: the tools that the caller has to run.
        plan: why these tools.
        thinking: what the model writes before its answer; empty when it does not think.

    """

    generation: Generation
    citations: tuple[Citation, ...] = ()
    calls: tuple[Call, ...] = ()
    plan: str = ""
    thinking: str = ""

    @property
    def output_tokens(self) -> int:
        """Return the tokens of everything that the model wrote."""
        written = [self.plan, self.thinking, *(json.dumps(call.arguments) for call in self.calls)]
        return len(self.generation.tokens) + sum(len(tokens.split(text)) for text in written)


def reply(request: ChatRequest, generate: Callable[[Request], Sequence[Generation]]) -> Reply:
    """Return the model's reply.

    Raises:
        Refused: the text cannot be generated.

    """
    thinking = "".join(tokens.split(_thought(request))[: request.thinking_tokens])
    if calls := _calls(request):
        plan = f"I will use {' and '.join(dict.fromkeys(call.name for call in calls))}."
        return Reply(Generation("", (), stopped=True), calls=calls, plan=plan, thinking=thinking)
    if request.schema is not None:
        return Reply(_fixed(_structured(request, generate), request), thinking=thinking)
    if request.sources:
        text, citations = _quotations(request)
        generated = _fixed(text, request)
        kept = tuple(one for one in citations if request.cites and one.end <= len(generated.text))
        return Reply(generated, kept, thinking=thinking)
    (generated,) = generate(request.sampling)
    return Reply(generated, thinking=thinking)


def _fixed(text: str, request: ChatRequest) -> Generation:
    return generation.fixed(text, request.sampling, request.max_tokens)


def _thought(request: ChatRequest) -> str:
    read = f" and {len(request.sources)} sources" if request.sources else ""
    return f"The user wrote {len(tokens.split(request.question))} tokens. I answer from them{read}."


def _calls(request: ChatRequest) -> tuple[Call, ...]:
    """Return a call of each tool that the question names, and of the first tool when a call is required."""
    if request.tool_choice == "NONE":
        return ()
    asked = _words(request.question)
    named = [tool for tool in request.tools if asked & _words(f"{tool.name} {tool.description}")]
    required = request.tools[:1] if request.tool_choice == "REQUIRED" else ()
    return tuple(_call(tool, request.question) for tool in named or required)


def _call(tool: Tool, question: str) -> Call:
    made = schemas.value({**tool.parameters, "type": "object"}, question)
    arguments = made if isinstance(made, dict) else {}
    digest = hashlib.blake2b(json.dumps([tool.name, arguments]).encode(), digest_size=6).hexdigest()
    return Call(f"{tool.name}_{digest}", tool.name, arguments)


def _words(text: str) -> set[str]:
    """Return the words of a text that mean something. Names of tools have several, as in ``get_weather``."""
    return {word.lower() for word in _WORD.findall(text)} - _COMMON


def _structured(request: ChatRequest, generate: Callable[[Request], Sequence[Generation]]) -> str:
    if request.schema:
        return json.dumps(schemas.value(request.schema, request.question))
    few = min(request.sampling.max_tokens, _STRUCTURED_TOKENS)
    (generated,) = generate(replace(request.sampling, max_tokens=few, end_sequences=()))
    return json.dumps({"answer": generated.text.strip()})


def _quotations(request: ChatRequest) -> tuple[str, list[Citation]]:
    """Return a text that quotes the sources most similar to the question, and where it does."""
    asked = vector(request.question, _SIZE)
    best = sorted(request.sources, key=lambda source: -cosine(asked, vector(source.text, _SIZE)))[:_QUOTED_SOURCES]
    text = "The tools returned:" if best[0].kind == "tool" else "The documents say:"
    citations = []
    for source in best:
        found = _SENTENCE.search(source.text)
        quote = (found[0] if found else "nothing")[:_LONGEST_QUOTE]
        citations.append(Citation(len(text) + 1, len(text) + 1 + len(quote), source))
        text += f" {quote}"
    return text, citations
