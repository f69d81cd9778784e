"""The routes of the API: which one a request is for, and how it is translated for the container."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

from proxy.errors import ProxyError
from proxy.routes.answer import Answer
from proxy.routes.table import ROUTES, Route

_BY_PATH: dict[str, list[Route]] = {}
for _route in ROUTES:
    _BY_PATH.setdefault(_route.path, []).append(_route)


class Translation(Protocol):
    """A translation of one route to what a container answers, and back."""

    def requests(self, fields: dict[str, Any]) -> list[bytes]:
        """Return the bodies to send to the container, one or several.

        Raises:
            ProxyError: ``invalid_field`` for what the container cannot do.

        """

    def answer(self, contents: list[bytes], fields: dict[str, Any]) -> Answer:
        """Return the answer to the caller.

        Raises:
            ProxyError: ``bad_answer`` or ``answer_too_large``.

        """


def match(method: str, path: str) -> Route:
    """Return the route of a request.

    Raises:
        ProxyError: ``not_found`` or ``method_not_allowed``.

    """
    found = _BY_PATH.get(path)
    if not found:
        known = " or ".join(f"{route.method} {route.path}" for route in ROUTES if route.schema)
        raise ProxyError("not_found", f"there is nothing at this path; send {known}")
    for route in found:
        if route.method == method:
            return route
    allowed = ", ".join(route.method for route in found)
    raise ProxyError("method_not_allowed", f"use {allowed} {path}", headers={"allow": allowed})


def find(name: str) -> Route:
    """Return a route by its name."""
    return next(route for route in ROUTES if route.name == name)


def translations(api: str) -> dict[str, Translation]:
    """Return the translation of each route, by its name, in front of a container; no other module is imported.

    Args:
        api: what the container answers.

    """
    return {
        route.name: cast("Translation", import_module(f"proxy.routes.{route.translations[api]}"))
        for route in ROUTES
        if api in route.translations
    }
