"""Checks of the fields that both versions of the chat body have. Null is a field that is not given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from local_aws.container import contract, tokens
from local_aws.container.chat.request import CONTEXT
from local_aws.container.contract import Refused, Request

DEFAULTS: Final = {"max_tokens": 100, "temperature": 0.3}
"""A real container ends a text by itself; this model never does, so it has a default for ``max_tokens``."""

MOST_STOP_SEQUENCES: Final = 5
CITATIONS: Final = ("ENABLED", "DISABLED", "FAST", "ACCURATE", "OFF")
"""The values of ``citation_quality`` and of ``citation_options.mode``."""

_WITHOUT_CITATIONS: Final = ("DISABLED", "OFF")
_SHARED: Final = ("max_tokens", "temperature", "k", "p", "seed", "frequency_penalty", "presence_penalty")
_P: Final = (0.01, 0.99)


def text(document: dict[str, Any], name: str) -> str:
    """Return a text; empty when it is not given.

    Raises:
        Refused: 422 for another type.

    """
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(422, f"invalid request: {name} must be a string")
    return value or ""


def flag(document: dict[str, Any], name: str) -> bool:
    """Return a switch; false when it is not given.

    Raises:
        Refused: 422 for another type.

    """
    value = document.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refused(422, f"invalid request: {name} must be a boolean")
    return bool(value)


def choice(document: dict[str, Any], name: str, allowed: Sequence[str], *, shown: str = "") -> str | None:
    """Return one of some words; None when it is not given.

    Args:
        document: the object with the field.
        name: the field.
        allowed: the words.
        shown: the field's name in an error; default ``name``.

    Raises:
        Refused: 400 for another value.

    """
    value = document.get(name)
    if value is not None and value not in allowed:
        raise Refused(400, f"invalid request: {shown or name} must be one of {', '.join(allowed)}")
    return value


def objects(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects; empty when it is not given.

    Raises:
        Refused: 422 for another type.

    """
    value = document.get(name)
    if value is not None and (not isinstance(value, list) or not all(isinstance(one, dict) for one in value)):
        raise Refused(422, f"invalid request: {name} must be a list of objects")
    return value or []


def inner(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object; empty when it is not given.

    Raises:
        Refused: 422 for another type.

    """
    value = document.get(name)
    if value is not None and not isinstance(value, dict):
        raise Refused(422, f"invalid request: {name} must be an object")
    return value or {}


def cites(document: dict[str, Any], name: str, *, shown: str = "") -> bool:
    """Return whether an answer has citations. Older clients write the value in lower case."""
    value = document.get(name)
    upper = value.upper() if isinstance(value, str) else value
    return choice({name: upper}, name, CITATIONS, shown=shown) not in _WITHOUT_CITATIONS


def sampling(document: dict[str, Any], question: str, *, logprobs: bool = False) -> Request:
    """Return the generate request that answers a question. Stop sequences are not part of a chat's text.

    Raises:
        Refused: 400 for a value out of range, 422 for a wrong type.

    """
    fields = {**DEFAULTS, **{name: document[name] for name in _SHARED if document.get(name) is not None}}
    if _above(fields["temperature"], 1):
        raise Refused(400, "invalid request: temperature must be between 0 and 1.0 inclusive")
    if _above(fields.get("p"), _P[1]) or _above(_P[0], fields.get("p")):
        raise Refused(400, "invalid request: p must be between 0.01 and 0.99 inclusive")
    if fields["max_tokens"] == 0:
        raise Refused(400, "invalid request: max_tokens must be at least 1")
    stops = document.get("stop_sequences")
    if isinstance(stops, list) and len(stops) > MOST_STOP_SEQUENCES:
        raise Refused(400, f"invalid request: stop_sequences must be at most {MOST_STOP_SEQUENCES}")
    likelihoods = {"return_likelihoods": "GENERATION"} if logprobs else {}
    contract.parse({"prompt": "a", "stop_sequences": stops})  # the error names the field that the caller knows
    return contract.parse({**fields, **likelihoods, "prompt": question or " ", "end_sequences": stops}, CONTEXT)


def check_context(input_tokens: int, request: Request) -> None:
    """Refuse what does not fit into the context.

    Raises:
        Refused: 400.

    """
    if (total := input_tokens + request.max_tokens) > CONTEXT:
        raise Refused(
            400,
            "too many tokens: total number of tokens in the prompt and the prediction cannot exceed "
            f"{CONTEXT} - received {total}",
        )


def count(*read: object) -> int:
    """Return the tokens of what the model reads: texts, and objects as JSON."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in read if one]
    return sum(len(tokens.split(one)) for one in texts)


def _above(value: Any, limit: Any) -> bool:  # noqa: ANN401 - JSON
    numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in (value, limit))
    return numbers and value > limit
