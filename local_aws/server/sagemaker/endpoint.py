"""The states of an endpoint. The status follows from the clock: nothing runs in the background."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

LIVE_PROPERTIES: Final = {"DesiredInstanceCount": "InitialInstanceCount", "DesiredWeight": "InitialVariantWeight"}
"""The properties of a variant that change without a new config: the name in an update, and the name in the config."""


@dataclass(frozen=True)
class Fleet:
    """The variants of an endpoint with their instances.

    Attributes:
        config_name: the fleet's endpoint config.
        variants: the config's variants, with live weights and counts.
        types: the instance type of each variant.

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
    """An endpoint: the fleet that serves, the fleet that is being created, and the result of the change.

    Attributes:
        name: the name as created.
        arn: its ARN, in lower case.
        fleet: the new fleet during a change; otherwise the fleet that serves.
        seconds: how long a change takes, and how long its rollback takes.
        failure: why the change in progress will fail; empty when it will not.
        former: the fleet that serves while ``fleet`` is being created; None before the first fleet.
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
        """Return the fleet that answers now; None before the endpoint was in service, and while it is being deleted."""
        status = self.status
        if status in ("Creating", "Deleting", "Failed"):
            return None
        return self.fleet if status == "InService" and not self.failure else self.former

    @property
    def failure_reason(self) -> str:
        """Return why the last change failed; empty when it succeeded, and during a change."""
        return self.failure if self.failure and self.status in ("Failed", "RollingBack", "InService") else self.reason

    def instances(self) -> Counter[str]:
        """Return its instances by type: those of both fleets during a change from one to the other."""
        both = self.fleet.instances()
        if self.former and self.status in ("Updating", "RollingBack"):
            # Another count of the same config adds to the fleet; another config makes a second one.
            former, same = self.former.instances(), self.former.config_name == self.fleet.config_name
            return both | former if same else both + former
        return both

    def change(self, fleet: Fleet, failure: str, seconds: float) -> None:
        """Start a change to another fleet, which takes so many seconds."""
        self.former, self.fleet, self.failure, self.reason = self.serving, fleet, failure, ""
        self.busy_as, self.modified, self.seconds = "Updating", time.time(), seconds

    def settle(self) -> None:
        """Undo a failed change after its rollback."""
        if self.failure and self.busy_as == "Updating" and self.status == "InService" and self.former:
            self.fleet, self.reason, self.failure = self.former, self.failure, ""

    def delete(self, seconds: float) -> None:
        """Start the deletion, which takes so many seconds."""
        self.busy_as, self.modified, self.seconds, self.failure = "Deleting", time.time(), seconds, ""

    def description(self, status: str) -> dict[str, Any]:
        """Return what DescribeEndpoint returns.

        Args:
            status: the status to show.

        """
        serving = self.serving
        variants = [
            {
                "VariantName": v["VariantName"],
                "CurrentWeight": v["InitialVariantWeight"],
                "DesiredWeight": v["InitialVariantWeight"],
                "CurrentInstanceCount": v["InitialInstanceCount"],
                "DesiredInstanceCount": v["InitialInstanceCount"],
            }
            for v in (serving.variants if serving else [])
        ]
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointConfigName": (serving or self.fleet).config_name,
            "EndpointStatus": status,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            **({"FailureReason": self.failure_reason} if self.failure_reason else {}),
            **({"ProductionVariants": variants} if variants else {}),
        }


def with_live_properties(
    new: list[dict[str, Any]], live: list[dict[str, Any]], excluded: set[str]
) -> list[dict[str, Any]]:
    """Give new variants the live counts and weights, as RetainAllVariantProperties does.

    Args:
        new: the variants of the new config.
        live: the variants that serve.
        excluded: the names in ``LIVE_PROPERTIES`` that keep the new config's value.

    """
    current = {v["VariantName"]: v for v in live}
    properties = [p for name, p in LIVE_PROPERTIES.items() if name not in excluded]
    return [{**v, **{p: current.get(v["VariantName"], v)[p] for p in properties if p in v}} for v in new]
