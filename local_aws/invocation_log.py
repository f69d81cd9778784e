"""The requests that reached a container, in a file of the run's folder: the server writes it, tests read it.

A request that the runtime refuses, or throttles, is not in it. No bodies are recorded.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

FILE: Final = "invocations.jsonl"
"""The file's name in the folder of the conditions."""

State: TypeAlias = Literal["running", "answered", "failed", "disconnected"]
"""``failed``: the container or its stream ended with an error. ``disconnected``: the caller left during a stream."""


@dataclass(frozen=True)
class Invocation:
    """A request that reached a container.

    Attributes:
        endpoint: the endpoint's name.
        api: what its container answers.
        streamed: whether it came as InvokeEndpointWithResponseStream.
        state: what became of it.

    """

    endpoint: str
    api: str
    streamed: bool
    state: State = "running"


class InvocationLog:
    """Writes the file.

    Args:
        path: the file; None for no file.

    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._numbers = itertools.count()

    def started(self, endpoint: str, api: str, *, streamed: bool) -> int:
        """Record a request, and return its number."""
        number = next(self._numbers)
        self._write(number=number, endpoint=endpoint, api=api, streamed=streamed)
        return number

    def ended(self, number: int, state: State) -> None:
        """Record what became of a request."""
        self._write(number=number, state=state)

    def _write(self, **fields: object) -> None:
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(fields) + "\n")


def read(path: Path) -> list[Invocation]:
    """Return the requests in the order in which they reached a container; none when there is no file."""
    found: dict[int, Invocation] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        fields = json.loads(line)
        number = fields.pop("number")
        found[number] = replace(found[number], **fields) if number in found else Invocation(**fields)
    return list(found.values())
