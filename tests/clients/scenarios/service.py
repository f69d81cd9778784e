"""What a scenario is told about the service that it calls."""

import importlib
import os
import sys
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Service:
    """A service with the proxy's routes.

    Attributes:
        url: its URL with the stage, without a slash at the end.
        key: the key that the client sends.
        model: the name that the client gives the model.
        auth: the ``httpx.Auth`` that signs the requests instead; None for none.
        settings: further arguments of the client's constructor.

    """

    url: str
    key: str
    model: str
    auth: Any = None
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Service":
        """Return the service of a call.

        Args:
            told: the attributes; ``auth`` names ``folder``, ``module``, ``class``, its ``arguments``, and variables of
                the ``environment``.

        """
        auth = told.pop("auth", None)
        if auth:
            os.environ.update(auth.get("environment", {}))
            if auth["folder"] not in sys.path:
                sys.path.append(auth["folder"])
            auth = getattr(importlib.import_module(auth["module"]), auth["class"])(**auth["arguments"])
        return cls(**told, auth=auth)

    def http(self, name: str) -> dict[str, Any]:
        """Return the SDK's argument with an HTTP client that signs; nothing if the SDK sends the key.

        Args:
            name: the argument, e.g. ``httpx_client``.

        """
        return {} if self.auth is None else {name: importlib.import_module("httpx").Client(auth=self.auth)}
