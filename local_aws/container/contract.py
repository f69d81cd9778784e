"""The generate request of Cohere's containers of 2023: its fields, their ranges, and the errors.

Ranges: docs.cohere.com, API v1 ``generate``. The container's own validation is not published. README.md lists where
sources disagree.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, Final

CONTEXT = 2048
"""The limit of the 2023 models for prompt and prediction together, in tokens."""


class Refused(Exception):
    """The container refuses a request.

    Attributes:
        status: the HTTP status.
        message: Cohere's ``message``.

    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Request:
    """A generate request. Defaults: those of the cohere-sagemaker SDK."""

    prompt: str
    max_tokens: int = 20
    temperature: float = 1.0
    k: int = 0
    p: float = 0.75
    num_generations: int = 1
    stop_sequences: tuple[str, ...] = ()
    end_sequences: tuple[str, ...] = ()
    return_likelihoods: str = "NONE"
    truncate: str = "END"
    seed: int | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    context: int = CONTEXT


_RANGES: Final[dict[str, tuple[float, float]]] = {
    "temperature": (0, 5),
    "k": (0, 500),
    "p": (0, 1),
    "num_generations": (1, 5),
    "seed": (0, 2**64 - 1),
    "frequency_penalty": (0, 1),
    "presence_penalty": (0, 1),
}
_WHOLE: Final = ("max_tokens", "k", "num_generations", "seed")
_CHOICES: Final = {"return_likelihoods": ("NONE", "GENERATION", "ALL"), "truncate": ("NONE", "START", "END")}
_LISTS: Final = ("stop_sequences", "end_sequences")
_KNOWN: Final = tuple(field.name for field in fields(Request) if field.name != "context")


def json_object(body: bytes) -> dict[str, Any]:
    """Read a request's body.

    Raises:
        Refused: 400 when the body is not a JSON object.

    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "invalid request: body is not valid JSON") from None
    if not isinstance(document, dict):
        raise Refused(400, "invalid request: body must be a JSON object")
    return document


def parse(document: dict[str, Any], context: int = CONTEXT) -> Request:
    """Read a request. Unknown fields are ignored; null means the default.

    Args:
        document: the request's body.
        context: the limit for prompt and prediction together, in tokens.

    Raises:
        Refused: 400 for a value out of range, 422 for a wrong type.

    """
    given = {name: document[name] for name in _KNOWN if document.get(name) is not None}
    if not isinstance(given.get("prompt"), str):
        raise Refused(422 if "prompt" in given else 400, "invalid request: prompt must be a string")
    request = Request(**{name: _checked(name, value, context) for name, value in given.items()}, context=context)
    if not request.prompt:
        raise Refused(400, "invalid request: prompt must be at least 1 token long")
    if request.max_tokens == 0 and request.return_likelihoods != "ALL":
        raise Refused(400, "invalid request: max_tokens can only be 0 when return_likelihoods is set to ALL")
    return request


def _checked(name: str, value: Any, context: int) -> Any:  # noqa: ANN401 - JSON
    if name == "max_tokens":
        return _number(name, value, (0, context))
    if name in _RANGES:
        return _number(name, value, _RANGES[name])
    if name in _CHOICES and value not in _CHOICES[name]:
        raise Refused(400, f"invalid request: {name} must be one of {', '.join(_CHOICES[name])}")
    if name in _LISTS:
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise Refused(422, f"invalid request: {name} must be a list of strings")
        return tuple(value)
    return value


def _number(name: str, value: Any, allowed: tuple[float, float]) -> float:  # noqa: ANN401 - JSON
    if isinstance(value, bool) or not isinstance(value, int if name in _WHOLE else (int, float)):
        raise Refused(422, f"invalid request: {name} must be {'an integer' if name in _WHOLE else 'a number'}")
    low, high = allowed
    if not low <= value <= high:
        raise Refused(400, f"invalid request: {name} must be between {low:g} and {high:g} inclusive")
    number: float = value
    return number
