"""Cohere's generate request: strict JSON, known fields, and the limits on which all sources agree.

Ranges on which sources disagree (the upper end of ``max_tokens``, penalties, the number of stop sequences) are left to
the container, whose refusal is passed on. Source: docs.cohere.com, API v1 ``generate``; see README.md.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeAlias

from generate.errors import ProxyError

# A check returns the value as it is sent on, or raises _Wrong with what is allowed.
Check: TypeAlias = Callable[[Any], Any]
_MOST = 2**63 - 1  # what the container's integers can hold


class _Wrong(Exception):
    """What is allowed instead."""


def parse(body: bytes) -> dict[str, Any]:
    """Return the fields to send to the container: those given, and none besides.

    A field that is null counts as not given.

    Raises:
        ProxyError: ``invalid_json`` or ``invalid_field``. Its message names fields and what they take, never a value.

    """
    fields = {name: value for name, value in _object(body).items() if value is not None}
    unknown = next((name for name in fields if name not in _FIELDS), None)
    if unknown is not None:
        raise ProxyError("invalid_field", _unknown(unknown))
    if "prompt" not in fields:
        raise ProxyError("invalid_field", "prompt: is missing; send a text")
    checked = {name: _checked(name, value) for name, value in fields.items()}
    checked.pop("stream", None)
    if checked.get("max_tokens") == 0 and checked.get("return_likelihoods") != "ALL":
        raise ProxyError("invalid_field", "max_tokens: 0 needs return_likelihoods ALL")
    return checked


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        # Half a surrogate pair is JSON, but no text: it cannot be sent on as UTF-8.
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except ProxyError:
        raise
    except UnicodeDecodeError:
        raise ProxyError("invalid_json", "the body is not UTF-8") from None
    except UnicodeEncodeError:
        raise ProxyError("invalid_json", "a text holds half of a surrogate pair") from None
    except RecursionError:
        raise ProxyError("invalid_json", "the body is nested too deeply") from None
    except ValueError:
        raise ProxyError("invalid_json", "the body is not JSON") from None
    if not isinstance(document, dict):
        raise ProxyError("invalid_json", "the body must be a JSON object with a prompt")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ProxyError("invalid_json", "a field stands twice; send each once")
    return document


def _no_constant(_name: str) -> NoReturn:
    raise ProxyError("invalid_json", "NaN and Infinity are not JSON")


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _FIELDS, n=1)
    # A name that looks like none of ours may be anybody's text: it is not repeated.
    return f"unknown field; did you mean {near[0]}?" if near else f"unknown field; known are {', '.join(_FIELDS)}"


def _checked(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    try:
        return _FIELDS[name](value)
    except _Wrong as wrong:
        raise ProxyError("invalid_field", f"{name}: must be {wrong}") from None


def _text(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, str) and value:
        return value
    raise _Wrong("a text that is not empty")


def _texts(value: Any) -> list[str]:  # noqa: ANN401
    if isinstance(value, list) and all(isinstance(member, str) and member for member in value):
        return value
    raise _Wrong("a list of texts that are not empty")


def _integer(low: int, high: int = _MOST) -> Check:
    def check(value: Any) -> int:  # noqa: ANN401
        # 28.0 is an integer in JSON Schema; true is none.
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if whole and not isinstance(value, bool) and low <= value <= high:
            return int(value)
        raise _Wrong(f"an integer of {low} or more" if high == _MOST else f"an integer from {low} to {high}")

    return check


def _number(low: float = -math.inf, high: float = math.inf) -> Check:
    def check(value: Any) -> float:  # noqa: ANN401
        # At most _MOST: 1e400 is read as infinite.
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and low <= value <= high and abs(value) <= _MOST:
            return value  # type: ignore[no-any-return]
        raise _Wrong("a number" if low == -math.inf else f"a number from {low:g} to {high:g}")

    return check


def _one_of(*allowed: str) -> Check:
    def check(value: Any) -> str:  # noqa: ANN401
        if isinstance(value, str) and value in allowed:
            return value
        raise _Wrong(f"one of {', '.join(allowed)}")

    return check


def _false(value: Any) -> bool:  # noqa: ANN401
    if value is False:
        return value
    raise _Wrong("false or left out: this proxy answers whole")


def _biases(value: Any) -> dict[str, float]:  # noqa: ANN401
    number = _number()
    if isinstance(value, dict):
        try:
            return {token: number(bias) for token, bias in value.items()}
        except _Wrong:
            pass
    raise _Wrong("an object of token ids and numbers")


def _one_model(_value: Any) -> NoReturn:  # noqa: ANN401
    raise _Wrong("left out: this proxy serves one model")


_FIELDS: Final[dict[str, Check]] = {
    "prompt": _text,
    "max_tokens": _integer(0),
    "temperature": _number(0, 5),
    "k": _integer(0, 500),
    "p": _number(0, 1),
    "num_generations": _integer(1, 5),
    "stop_sequences": _texts,
    "end_sequences": _texts,
    "return_likelihoods": _one_of("NONE", "GENERATION", "ALL"),
    "truncate": _one_of("NONE", "START", "END"),
    "seed": _integer(0),
    "frequency_penalty": _number(),
    "presence_penalty": _number(),
    "logit_bias": _biases,
    "stream": _false,
    "model": _one_model,
}
