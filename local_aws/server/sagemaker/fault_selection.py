"""Decides which request fails with which fault of the conditions."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections import Counter

from local_aws.conditions import ConditionsFile, Fault, Version
from local_aws.faults import FAULTS, FaultKind


class FaultSelector:
    """Selects the fault of each request. Faults are counted from the moment that the file is written.

    Args:
        conditions: the file with the faults.

    """

    def __init__(self, conditions: ConditionsFile) -> None:
        self._conditions = conditions
        self._lock = threading.Lock()
        self._version: Version | None = None
        self._seen: Counter[Fault] = Counter()
        self._random = random.Random(0)  # noqa: S311 - repeatable shares, no secret

    def next_for(self, endpoint: str) -> FaultKind | None:
        """Return the fault of the next request for an endpoint, or None."""
        version, conditions = self._conditions.versioned()
        with self._lock:
            if version != self._version:
                self._version, self._seen = version, Counter()
            for fault in conditions.faults:
                if fault.endpoint in ("", endpoint) and self._happens(fault):
                    return dataclasses.replace(FAULTS[fault.error], after=fault.after)
        return None

    def _happens(self, fault: Fault) -> bool:
        if self._random.random() >= fault.share:
            return False
        self._seen[fault] += 1
        number = self._seen[fault] - fault.skip
        return number > 0 and (fault.times is None or number <= fault.times)
