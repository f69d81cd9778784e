"""One line of JSON for each request, with its metrics. No prompt, no completion, nothing that a caller wrote."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from proxy.errors import STATUS, ProxyError, failed
from proxy.metrics import add_details, embedded
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
        self.request_id = request_id
        self._settings = settings
        self._started = time.monotonic()
        self._fields: dict[str, Any] = {"request_id": request_id, "cold_start": cold_start}

    def add(self, **fields: int | float | str | None) -> None:
        """Add fields; None is left out."""
        self._fields.update(fields)

    def answered_by(self, variant: str) -> None:
        """Add the variant that answered, where there are metrics of it."""
        if variant and self._settings.metrics_environment:
            self._fields["variant"] = variant

    def defect(self) -> ProxyError:
        """Return the error for a defect of the proxy: one that clients do not retry once a request was sent."""
        code = "proxy_failed" if self._fields.get("attempts") else "internal_error"
        return ProxyError(code, "the proxy failed; report the id to the operator")

    def write(self, status: int) -> None:
        """Write the line; level ERROR for what is the operator's, so that they can filter for it.

        At the log level ERROR, the lines of other requests hold metrics only: CloudWatch counts every request.
        """
        fields = {name: value for name, value in self._fields.items() if value is not None}
        fields["duration_ms"] = round((time.monotonic() - self._started) * 1000)
        # A stream can fail when its status is sent.
        is_failure = failed(status) or (status < 300 and fields.get("code") in STATUS)
        if fields.get("code") == "asleep":
            is_failure = "cause" in fields  # to sleep is no failure; not to be woken is one
        level = "ERROR" if is_failure else "INFO"
        line: dict[str, Any] = {}
        if level == "ERROR" or self._settings.log_level == "INFO":
            line.update(level=level, message="request", status=status, **fields)
        if fields.get("route") != HEALTH.name:
            endpoint = fields.get("endpoint", self._settings.endpoints[0].name)
            metrics = embedded(endpoint, status, time.time(), fields, failed=is_failure)
            if self._settings.metrics_environment:
                add_details(metrics, self._settings.metrics_environment, fields)
            line.update(metrics)
        if line:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
