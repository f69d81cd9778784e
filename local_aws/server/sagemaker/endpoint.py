"""An endpoint through its life. Its status follows from the clock: nothing runs in the background."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fleet:
    """What an endpoint has, or shall have.

    Attributes:
        config_name: the endpoint config it is made from.
        variants: the config's variants, with live weights and counts.
        types: the instance type that each variant got.

    """

    config_name: str
    variants: list[dict[str, Any]]
    types: Mapping[str, str]

    def instances(self) -> Counter[str]:
        """Return its instances by type."""
        found: Counter[str] = Counter()
        for variant in self.variants:
            found[self.types[variant["VariantName"]]] += variant["InitialInstanceCount"]
        return found


@dataclass
class Endpoint:
    """An endpoint: what serves, what shall serve, and how the change between them ends.

    Attributes:
        name: as it was created.
        arn: its ARN, in lower case.
        fleet: what shall serve; what serves, when nothing changes.
        seconds: how long a change takes, and how long it takes back.
        failure: why the change that is under way will fail; empty when it will not.
        former: what serves while ``fleet`` is being made; None before the first one.
        reason: why the last change failed.

    """

    name: str
    arn: str
    fleet: Fleet
    seconds: float
    failure: str = ""
    former: Fleet | None = None
    reason: str = ""
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)
    busy_as: str = "Creating"

    @property
    def status(self) -> str:
        """Return ``Creating``, ``Updating``, ``RollingBack``, ``Deleting``, ``Failed`` or ``InService``."""
        since = time.time() - self.modified
        if since < self.seconds:
            return self.busy_as
        if self.failure and self.busy_as == "Creating":
            return "Failed"
        if self.failure and self.busy_as == "Updating" and since < 2 * self.seconds:
            return "RollingBack"
        return "InService"

    @property
    def is_gone(self) -> bool:
        """Return whether its deletion has finished."""
        return self.busy_as == "Deleting" and time.time() - self.modified >= self.seconds

    @property
    def serving(self) -> Fleet | None:
        """Return what answers now; None before it was in service once, and while it is being deleted."""
        status = self.status
        if status in ("Creating", "Deleting", "Failed"):
            return None
        return self.fleet if status == "InService" and not self.failure else self.former

    @property
    def failure_reason(self) -> str:
        """Return why the last change failed; empty while one is under way, and when it did not."""
        return self.failure if self.failure and self.status in ("Failed", "RollingBack", "InService") else self.reason

    def instances(self) -> Counter[str]:
        """Return the instances it has by type: those of both fleets while it changes from one to the other."""
        both = self.fleet.instances()
        if self.former and self.status in ("Updating", "RollingBack"):
            # Another count of the same config adds to the fleet; another config makes a second one.
            former, same = self.former.instances(), self.former.config_name == self.fleet.config_name
            return both | former if same else both + former
        return both

    def change(self, fleet: Fleet, failure: str) -> None:
        """Begin to change to another fleet."""
        self.former, self.fleet, self.failure, self.reason = self.serving, fleet, failure, ""
        self.busy_as, self.modified = "Updating", time.time()

    def settle(self) -> None:
        """Make a change that failed undone, once it has been rolled back."""
        if self.failure and self.busy_as == "Updating" and self.status == "InService" and self.former:
            self.fleet, self.reason, self.failure = self.former, self.failure, ""

    def delete(self) -> None:
        """Begin to delete it."""
        self.busy_as, self.modified, self.failure = "Deleting", time.time(), ""
