"""Decides which request fails with which fault of the conditions."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections import Counter

from local_aws.conditions import ConditionsFile, Fault
from local_aws.faults import FAULTS, FaultKind


class FaultSelector:
    """Selects the fault of each request. A fault is counted for as long as it stays in the file unchanged.

    Args:
        conditions: the file with the faults.

    """

    def __init__(self, conditions: ConditionsFile) -> None:
        self._conditions = conditions
        self._lock = threading.Lock()
        self._seen: Counter[Fault] = Counter()
        self._random = random.Random(0)  # noqa: S311 - repeatable shares, no secret

    def next_for(self, endpoint: str) -> FaultKind | None:
        """Return the fault of the next request for an endpoint, or None."""
        faults = self._conditions.now().faults
        with self._lock:
            for removed in set(self._seen) - set(faults):
                del self._seen[removed]
            for fault in faults:
                if fault.endpoint in ("", endpoint) and self._happens(fault):
                    return dataclasses.replace(FAULTS[fault.error], after=fault.after)
        return None

    def _happens(self, fault: Fault) -> bool:
        if self._random.random() >= fault.share:
            return False
        self._seen[fault] += 1
        number = self._seen[fault] - fault.skip
        return number > 0 and (fault.times is None or number <= fault.times)
