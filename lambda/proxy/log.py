"""One line of JSON for each request, with its metrics. No prompt, no completion, nothing that a caller wrote."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from proxy.metrics import embedded
from proxy.routes.table import HEALTH
from proxy.settings import Settings


class RequestLog:
    """Collects the fields of one request's line.

    Args:
        request_id: Lambda's id of the request.
        cold_start: whether it is the first of this execution environment.
        settings: the endpoint, which is the metrics' dimension, and the log level.

    """

    def __init__(self, request_id: str, *, cold_start: bool, settings: Settings) -> None:
        self._settings = settings
        self._started = time.monotonic()
        self._fields: dict[str, Any] = {"request_id": request_id, "cold_start": cold_start}

    def add(self, **fields: int | float | str | None) -> None:
        """Add fields; None is left out."""
        self._fields.update(fields)

    def write(self, status: int) -> None:
        """Write the line; level ERROR for 5xx, so that an operator can filter for what is theirs.

        At the log level ERROR, the lines of other requests hold metrics only: CloudWatch counts every request.
        """
        fields = {name: value for name, value in self._fields.items() if value is not None}
        fields["duration_ms"] = round((time.monotonic() - self._started) * 1000)
        level = "ERROR" if status >= 500 else "INFO"
        line: dict[str, Any] = {}
        if level == "ERROR" or self._settings.log_level == "INFO":
            line.update(level=level, message="request", status=status, **fields)
        if fields.get("route") != HEALTH.name:
            line.update(embedded(self._settings.endpoint_name, status, time.time(), fields))
        if line:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
