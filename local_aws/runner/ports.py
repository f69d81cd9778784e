"""The port of a local cloud, taken once and handed to its server.

A port that is chosen, released and bound again by the server can be taken in between, by another local cloud too: both
runners would then use the one server that got it.
"""

from __future__ import annotations

import socket


def take(requested: int) -> socket.socket:
    """Return a socket that is bound to a port of 127.0.0.1 and does not listen yet. Nobody else can bind the port.

    Args:
        requested: the port; 0 for a free one.

    Raises:
        OSError: the port is in use, or may not be used.

    """
    taken = socket.socket()
    try:
        # A former server's closed connections do not make a port unusable. A listener that comes later would.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(requested != 0))
        taken.bind(("127.0.0.1", requested))
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError:
        taken.close()
        raise
    return taken
