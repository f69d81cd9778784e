"""What ends a command: one line for the person at the terminal."""

from __future__ import annotations


class Failure(Exception):
    """A command cannot go on.

    Attributes:
        reason: one line that says what is wrong and what to do.

    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unreachable(Failure):
    """No connection: nothing was sent."""


class Lost(Failure):
    """The connection broke, or no whole response arrived, after the request was sent: the model may have generated."""
