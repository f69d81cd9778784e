"""Which configured client sent a request, for the metrics: a client that is not configured is ``other``.

So the number of metrics is that of the configuration, whatever callers send.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proxy.http import Request

OTHER: Final = "other"


def client_of(request: Request, clients: Mapping[str, str]) -> str:
    """Return the name of the client that sent a request.

    Args:
        request: the request; its front door established the caller and checked the key.
        clients: names by what identifies a client: the beginning of its keys, a principal's ARN, an assumed role as
            ``account:role name``, or an account.

    """
    caller = request.caller
    parts = caller.split(":", 5)
    if len(parts) < 6:
        return clients.get(request.key_owner, OTHER)
    account, resource = parts[4:]
    role = resource.split("/")[1] if resource.startswith("assumed-role/") else ""
    for identity in (caller, f"{account}:{role}", account):
        if identity in clients:
            return clients[identity]
    return OTHER
