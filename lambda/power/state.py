"""What is: a stack, and the planned sleep."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

_SETTLED: Final = (
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
)


@dataclass(frozen=True)
class Stack:
    """The stack.

    Attributes:
        status: CloudFormation's, e.g. ``UPDATE_COMPLETE``.
        awake: whether the endpoint is to exist.
        changed: when it was last updated, in seconds since 1970.
        parameters: the names of all parameters.

    """

    status: str
    awake: bool
    changed: float
    parameters: tuple[str, ...]

    @property
    def is_busy(self) -> bool:
        """Return whether CloudFormation works on it, and refuses another update."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def is_broken(self) -> bool:
        """Return whether a human has to mend it before it can be updated."""
        return not self.is_busy and self.status not in _SETTLED


@dataclass(frozen=True)
class Lease:
    """The one planned sleep: a schedule that fires once.

    Attributes:
        owner: ``person``, ``request``, ``office hours``; or ``sleep`` for a sleep that is verified, or tried again.
        until: when the endpoint is to sleep, in seconds since 1970.
        granted: when the lease was given or moved, likewise.
        attempt: how many updates of the stack were tried for it.
        fires: when the schedule fires; default at ``until``.

    """

    owner: str
    until: float
    granted: float
    attempt: int = 0
    fires: float = 0

    @classmethod
    def read(cls, text: str) -> Lease:
        """Read the event of a schedule; what nobody here wrote, e.g. another version of this code, is over."""
        try:
            return cls(**json.loads(text)["lease"])
        except (KeyError, TypeError, ValueError):
            return cls("sleep", 0, 0)

    @property
    def wakes(self) -> bool:
        """Return whether the endpoint is to be awake until its end."""
        return self.owner != "sleep"
