"""Request bodies: strict JSON, known fields, and the limits of the route's schema.

Ranges on which sources disagree (penalties, the number of stop sequences, ``max_tokens`` of 0 without likelihoods) are
left to the container, whose refusal is passed on. Source: docs.cohere.com; see README.md.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from proxy.errors import ProxyError
from proxy.http import Request
from proxy.routes import checks, schema
from proxy.routes.refused import ValueRefused
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

    """

    def __init__(self, route: Route, limits: Mapping[str, int]) -> None:
        self._check = checks.check_of(schema.read(route.schema, limits))

    def read(self, body: bytes) -> dict[str, Any]:
        """Return the fields that are given: one that is null counts as not given.

        Raises:
            ProxyError: ``invalid_json`` or ``invalid_field``. Its message names fields and their allowed values, never
                a value of the request.

        """
        try:
            fields: dict[str, Any] = self._check(_object(body))
        except ValueRefused as refused:
            steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in refused.place)
            raise invalid("".join(steps).lstrip("."), refused.problem) from None
        return fields


def invalid(field: str, problem: str) -> ProxyError:
    """Return the error for a field; without a name, the problem says it all."""
    return ProxyError("invalid_field", f"{field}: {problem}" if field else problem, field=field or None)


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
        raise ProxyError("invalid_json", "the body must be a JSON object")
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
