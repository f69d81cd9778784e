"""One call's result, and the lines of a results file: the plan first, then a result each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from types import NoneType
from typing import Any, Final, TypeAlias, get_args

from endpointctl.completion import Completion, Generation
from endpointctl.sweep.plan import Call, Mode, Plan

VERSION = 1

Types: TypeAlias = type | tuple[type, ...]
# What a line may hold, by its members: a file that somebody edited must not end in a traceback.
_NUMBER: Final = (int, float)
_PROMPT: Final[dict[str, Types]] = {"id": str, "text": str}
_PLAN: Final[dict[str, Types]] = {
    "sweep": int,
    "prompts": list,
    "environment": str,
    "parameters": dict,
    "mode": str,
    "repeats": int,
    "seed": (int, NoneType),
    "fixed": (dict, NoneType),
}
_RESULT: Final[dict[str, Types]] = {
    "call": int,
    "prompt": str,
    "repeat": int,
    "parameters": dict,
    "seconds": _NUMBER,
    "attempts": int,
    "generations": list,
    "tokens_in": (*_NUMBER, NoneType),
    "tokens_out": (*_NUMBER, NoneType),
    "code": (str, NoneType),
    "message": (str, NoneType),
}
_GENERATION: Final[dict[str, Types]] = {
    "text": str,
    "finish_reason": (str, NoneType),
    "likelihood": (*_NUMBER, NoneType),
    "token_likelihoods": (list, NoneType),
}


@dataclass(frozen=True)
class Result:
    """What became of one call.

    Attributes:
        call: its number in the plan.
        prompt: the prompt's id.
        repeat: which repetition, from 0.
        parameters: what was varied.
        seconds: how long the answer took, without waiting before it.
        attempts: how many requests were sent.
        generations: the texts; empty for an error.
        tokens_in: the prompt's tokens; None when not known.
        tokens_out: the generated tokens; None when not known.
        code: the error's code; None for an answer.
        message: the error's sentence; None likewise.
        caller_error: whether the request itself was refused, so that a repetition will hardly help.

    """

    call: int
    prompt: str
    repeat: int
    parameters: dict[str, Any]
    seconds: float
    attempts: int
    generations: tuple[Generation, ...] = ()
    tokens_in: int | None = None
    tokens_out: int | None = None
    code: str | None = None
    message: str | None = None
    caller_error: bool = False

    @property
    def ok(self) -> bool:
        """Return whether it is an answer."""
        return self.code is None


def answered(call: Call, completion: Completion) -> Result:
    """Return the result of a call that was answered."""
    return Result(
        call.number,
        call.prompt,
        call.repeat,
        call.parameters,
        round(completion.seconds, 4),
        completion.attempts,
        completion.generations,
        completion.tokens_in,
        completion.tokens,
    )


def failed(
    call: Call, code: str, message: str, seconds: float, *, attempts: int = 1, caller_error: bool = False
) -> Result:
    """Return the result of a call that failed."""
    place = (call.number, call.prompt, call.repeat, call.parameters)
    return Result(*place, round(seconds, 4), attempts, code=code, message=message, caller_error=caller_error)


def header(plan: Plan) -> dict[str, Any]:
    """Return the first line."""
    prompts = [{"id": name, "text": text} for name, text in plan.prompts.items()]
    return {"sweep": VERSION, "id": plan.id, "calls": plan.count, **asdict(plan), "prompts": prompts}


def plan_of(document: Any) -> Plan:  # noqa: ANN401 - JSON
    """Read the first line.

    Raises:
        ValueError, KeyError, TypeError, Failure: it is none.

    """
    _check(document, _PLAN)
    if document["sweep"] != VERSION or document["mode"] not in get_args(Mode):
        raise ValueError
    for values in document["parameters"].values():
        _check_all([values], list)
        _check_all(values, _NUMBER)
    prompts = {}
    for one in document["prompts"]:
        _check(one, _PROMPT)
        prompts[one["id"]] = one["text"]
    return Plan(**{**{one.name: document[one.name] for one in fields(Plan)}, "prompts": prompts})


def result_of(document: Any) -> Result:  # noqa: ANN401 - JSON
    """Read one of the other lines.

    Raises:
        KeyError, TypeError: it is none.

    """
    _check(document, _RESULT)
    _check_all(document["parameters"].values(), _NUMBER)
    return Result(**{**document, "generations": tuple(map(_generation, document["generations"]))})


def _generation(document: Any) -> Generation:  # noqa: ANN401 - JSON
    _check(document, _GENERATION)
    tokens = document["token_likelihoods"]
    _check_all(tokens or (), _NUMBER)
    known = None if tokens is None else tuple(tokens)
    return Generation(document["text"], document["finish_reason"], document["likelihood"], known)


def _check(document: Any, types: Mapping[str, Types]) -> None:  # noqa: ANN401 - JSON
    _check_all([document], dict)
    for name, allowed in types.items():
        _check_all([document[name]], allowed)


def _check_all(values: Iterable[Any], allowed: Types) -> None:
    if not all(isinstance(value, allowed) for value in values):
        raise TypeError
