"""Request bodies: strict JSON, known fields, and the limits of the route's schema.

Ranges on which sources disagree (penalties, the number of stop sequences, ``max_tokens`` of 0 without likelihoods) are
left to the container, whose refusal is passed on. Source: docs.cohere.com, API v1 ``generate``; see README.md.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from proxy.errors import ProxyError
from proxy.http import Request
from proxy.routes import schema
from proxy.routes.table import VARIANT_HEADER, Route

# botocore's model of sagemaker-runtime: TargetVariantHeader, whose pattern does not bound the length.
_VARIANT: Final = re.compile(r"(?=.{1,63}$)[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def check_media_type(request: Request) -> None:
    """Refuse a body that is not declared as JSON in UTF-8.

    Raises:
        ProxyError: ``unsupported_media_type``.

    """
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != "application/json" or charset not in ("", "utf-8", "utf8"):
        raise ProxyError("unsupported_media_type", "set the header content-type to application/json")


def target_variant(request: Request) -> str | None:
    """Return the variant that a header names; None leaves the choice to the variants' weights.

    Raises:
        ProxyError: ``unknown_variant`` when no variant can have such a name.

    """
    name = request.headers.get(VARIANT_HEADER)
    if name is None or _VARIANT.fullmatch(name):
        return name
    raise ProxyError("unknown_variant", f"{VARIANT_HEADER}: must be the name of a variant, or left out")


class FieldReader:
    """Reads the bodies of one route. Make one for each execution environment: it compiles the schema.

    Args:
        route: the route.
        limits: the environment's limits, for ``schema.read``.
        default_max_tokens: the ``max_tokens`` of a request that names none: containers differ (20 tokens, 400, or
            until the model ends by itself).

    """

    def __init__(self, route: Route, limits: Mapping[str, int], default_max_tokens: int) -> None:
        self._checks = schema.checks_of(schema.read(route.schema, limits))
        self._defaults = {"max_tokens": default_max_tokens}

    def read(self, body: bytes) -> dict[str, Any]:
        """Return the fields to send to the container: those given, and ``max_tokens``.

        A field that is null counts as not given.

        Raises:
            ProxyError: ``invalid_json`` or ``invalid_field``. Its message names fields and their allowed values, never
                a value of the request.

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
        except schema.ValueRefused as refused:
            raise ProxyError("invalid_field", f"{name}: must be {refused}") from None

    def _unknown(self, name: str) -> str:
        import difflib  # not needed at a cold start

        near = difflib.get_close_matches(name, self._checks, n=1)
        # A name that is close to none of ours may be anybody's text: it is not repeated.
        known = ", ".join(self._checks)
        return f"unknown field; did you mean {near[0]}?" if near else f"unknown field; known are {known}"


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
        )
        if b"\\u" in body:
            # Half a surrogate pair is valid JSON but no text: UTF-8 cannot hold it. Only an escape can make one.
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
        raise ProxyError("invalid_json", "a field is given twice; send each once")
    return document


def _no_constant(_name: str) -> NoReturn:
    raise ProxyError("invalid_json", "NaN and Infinity are not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ProxyError("invalid_json", "a number is too large")
    return number
