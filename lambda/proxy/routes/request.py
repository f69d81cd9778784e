"""Cohere's generate request: strict JSON, known fields, and the limits of the schema.

Ranges on which sources disagree (penalties, the number of stop sequences, ``max_tokens`` of 0 without likelihoods) are
left to the container, whose refusal is passed on. Source: docs.cohere.com, API v1 ``generate``; see README.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from proxy.errors import ProxyError
from proxy.routes import schema


class Reader:
    """Reads requests. Made once for each execution environment: the schema is compiled then.

    Args:
        limits: what the environment allows, for ``schema.read``.
        default_max_tokens: what is sent when a request names no ``max_tokens``: containers differ (20 tokens, 400, or
            until the model has ended).

    """

    def __init__(self, limits: Mapping[str, int], default_max_tokens: int) -> None:
        self._checks = schema.checks_of(schema.read(limits))
        self._defaults = {"max_tokens": default_max_tokens}

    def parse(self, body: bytes) -> dict[str, Any]:
        """Return the fields to send to the container: those given, ``max_tokens``, and none besides.

        A field that is null counts as not given.

        Raises:
            ProxyError: ``invalid_json`` or ``invalid_field``. Its message names fields and what they take, never a
                value.

        """
        document = _object(body)
        unknown = next((name for name in document if name not in self._checks), None)
        if unknown is not None:
            raise ProxyError("invalid_field", self._unknown(unknown))
        if document.get("prompt") is None:
            raise ProxyError("invalid_field", "prompt: is missing; send a text")
        fields = {name: self._checked(name, value) for name, value in document.items() if value is not None}
        fields.pop("stream", None)
        return {**self._defaults, **fields}

    def _checked(self, name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
        try:
            return self._checks[name](value)
        except schema.Wrong as wrong:
            raise ProxyError("invalid_field", f"{name}: must be {wrong}") from None

    def _unknown(self, name: str) -> str:
        import difflib  # a cold start does without

        near = difflib.get_close_matches(name, self._checks, n=1)
        # A name that looks like none of ours may be anybody's text: it is not repeated.
        known = ", ".join(self._checks)
        return f"unknown field; did you mean {near[0]}?" if near else f"unknown field; known are {known}"


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
        )
        if b"\\u" in body:
            # Half a surrogate pair is JSON, but no text: it cannot be sent on as UTF-8. Only an escape can make one.
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


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ProxyError("invalid_json", "a number is too large")
    return number
