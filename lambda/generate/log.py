"""One line of JSON for each request, with its metrics. No prompt, no completion, nothing that a caller wrote."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from generate.metrics import embedded


class RequestLog:
    """Gathers what is told about one request.

    Args:
        request_id: Lambda's id of the request.
        cold_start: whether it is the first of this execution environment.
        endpoint: the endpoint's name, which the metrics are told for.

    """

    def __init__(self, request_id: str, *, cold_start: bool, endpoint: str) -> None:
        self._endpoint = endpoint
        self._started = time.monotonic()
        self._fields: dict[str, Any] = {"request_id": request_id, "cold_start": cold_start}

    def add(self, **fields: int | float | str | None) -> None:
        """Add fields; None is left out."""
        self._fields.update({name: value for name, value in fields.items() if value is not None})

    def write(self, status: int) -> None:
        """Write the line; level ERROR for 5xx, so that an operator can filter for what is theirs."""
        elapsed = round((time.monotonic() - self._started) * 1000)
        level = "ERROR" if status >= 500 else "INFO"
        fields = {"duration_ms": elapsed, **self._fields}
        told = {} if "route" in fields else embedded(self._endpoint, status, time.time(), fields)
        line = {"level": level, "message": "generate", "status": status, **fields, **told}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
