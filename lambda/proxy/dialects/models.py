"""The list of models, in Cohere's and in OpenAI's shape.

Sources: docs.cohere.com, API v1 ``models``; platform.openai.com/docs/api-reference/models.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

from proxy.errors import ProxyError
from proxy.http import Request
from proxy.settings import Endpoint

# Python reads no number of more than 4300 digits; what is longer than the list is no bound.
_SIZE: Final = re.compile(r"[0-9]{1,9}")
# Cohere's names of what a model is for, by what its container answers.
_USES: Final = {
    "generate": ["generate"],
    "chat": ["chat", "generate"],
    "chat_v2": ["chat"],
    "embed": ["embed"],
    "rerank": ["rerank"],
}


def cohere_list(endpoints: Sequence[Endpoint], request: Request) -> bytes:
    """Return every model, or those for the query's ``endpoint``; with ``default_only``, the first of them.

    ``page_size`` bounds the list; there is no second page, since it is short.
    """
    use, size = request.query.get("endpoint", ""), request.query.get("page_size", "")
    found = [_cohere(name, one) for one in endpoints for name in one.names if not use or use in _USES[one.api]]
    if request.query.get("default_only", "").lower() == "true":
        found = found[:1]
    return _json({"models": found[: int(size)] if _SIZE.fullmatch(size) else found})


def cohere_one(endpoints: Sequence[Endpoint], name: str) -> bytes:
    """Return one model.

    Raises:
        ProxyError: ``model_not_found``.

    """
    return _json(_cohere(name, _named(endpoints, name)))


def openai_list(endpoints: Sequence[Endpoint]) -> bytes:
    """Return every model in OpenAI's shape."""
    return _json({"object": "list", "data": [_openai(name) for one in endpoints for name in one.names]})


def openai_one(endpoints: Sequence[Endpoint], name: str) -> bytes:
    """Return one model in OpenAI's shape.

    Raises:
        ProxyError: ``model_not_found``.

    """
    _named(endpoints, name)
    return _json(_openai(name))


def unknown(endpoints: Sequence[Endpoint]) -> ProxyError:
    """Return the error for a name that no model has."""
    known = ", ".join(name for one in endpoints for name in one.names)
    return ProxyError("model_not_found", f"model: is unknown here; known are {known}; or leave it out", field="model")


def _named(endpoints: Sequence[Endpoint], name: str) -> Endpoint:
    # A name may hold slashes, which clients escape.
    for one in endpoints:
        if unquote(name) in one.names:
            return one
    raise unknown(endpoints)


def _openai(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "cohere"}


def _cohere(name: str, endpoint: Endpoint) -> dict[str, Any]:
    return {"name": name, "endpoints": _USES[endpoint.api], "finetuned": False, "default_endpoints": []}


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()
