"""The routes of the API: the one place that knows a path.

It imports nothing but the standard library: the construct library loads this file by itself, to declare the same routes
in API Gateway, and so does the writer of the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Route:
    """A route.

    Attributes:
        name: its name in logs and identifiers.
        method: the HTTP method.
        path: the path, with a slash at its beginning.
        schema: the file of the JSON Schema of its request bodies, beside this one; empty for a request without a body.
        translations: by what the container answers, the module beside this one that translates to it and back.

    """

    name: str
    method: str
    path: str
    schema: str = ""
    translations: Mapping[str, str] = field(default_factory=dict)


HEALTH: Final = Route("health", "GET", "/healthz")
GENERATE: Final = Route(
    "generate",
    "POST",
    "/v1/generate",
    "generate.schema.json",
    {"generate": "generate", "chat": "generate_chat"},
)
ROUTES: Final = (GENERATE, HEALTH)
"""Every route, in the order of the documents."""

APIS: Final = tuple(dict.fromkeys(api for route in ROUTES for api in route.translations))
"""What a container may answer for the proxy to be of use."""

VARIANT_HEADER: Final = "x-target-variant"
"""The header that names a variant of the endpoint."""
