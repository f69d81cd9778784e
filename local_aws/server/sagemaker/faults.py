"""Faults on demand: which request gets which error instead of an answer."""

from __future__ import annotations

import random
import threading
from collections import Counter

from local_aws.conditions import ConditionsFile, Fault


class Faults:
    """Decides for each request. Counts are kept for as long as a fault stands in the file unchanged.

    Args:
        conditions: where the faults are.

    """

    def __init__(self, conditions: ConditionsFile) -> None:
        self._conditions = conditions
        self._lock = threading.Lock()
        self._seen: Counter[Fault] = Counter()
        self._random = random.Random(0)  # noqa: S311 - repeatable shares, no secret

    def next_for(self, endpoint: str) -> str | None:
        """Return the fault that happens to a request for an endpoint, or None."""
        faults = self._conditions.now().faults
        with self._lock:
            for gone in set(self._seen) - set(faults):
                del self._seen[gone]
            for fault in faults:
                if fault.endpoint in ("", endpoint) and self._happens(fault):
                    return fault.error
        return None

    def _happens(self, fault: Fault) -> bool:
        if self._random.random() >= fault.share:
            return False
        self._seen[fault] += 1
        number = self._seen[fault] - fault.skip
        return number > 0 and (fault.times is None or number <= fault.times)
