"""Which route a request is for."""

from __future__ import annotations

from proxy.errors import ProxyError
from proxy.routes.table import RETIRED, ROUTES, Route

_BY_PATH: dict[str, list[Route]] = {}
# A path that ends with a parameter, by what is before it.
_BY_PREFIX: dict[str, list[Route]] = {}
for _route in ROUTES:
    for _path in _route.paths:
        _before, _brace, _ = _path.partition("{")
        (_BY_PREFIX if _brace else _BY_PATH).setdefault(_before, []).append(_route)


def match(method: str, path: str) -> tuple[Route, str]:
    """Return the route of a request, and the parameter at the end of its path; empty without one.

    Raises:
        ProxyError: ``not_found`` or ``method_not_allowed``.

    """
    found, parameter = _BY_PATH.get(path), ""
    if not found:
        before = next((one for one in _BY_PREFIX if path.startswith(one) and path != one), "")
        found, parameter = _BY_PREFIX.get(before), path[len(before) :] if before else ""
    if not found:
        if path in RETIRED:
            raise ProxyError("not_found", f"{path}: no model on SageMaker answers it; {RETIRED[path]}")
        known = ", ".join(f"{route.method} {route.path}" for route in ROUTES if route.schema)
        raise ProxyError("not_found", f"there is nothing at this path; the API has {known}")
    for route in found:
        if route.method == method:
            return route, parameter
    allowed = ", ".join(route.method for route in found)
    raise ProxyError("method_not_allowed", f"use {allowed} {found[0].path}", headers={"allow": allowed})


def dialect_of(path: str) -> str:
    """Return whose clients use a path, whether there is a route or not."""
    found = _BY_PATH.get(path)
    if found:
        return found[0].dialect
    return "openai" if path.startswith("/compatibility/") else "cohere"
