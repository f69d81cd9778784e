"""What SageMaker needs of Application Auto Scaling."""

from __future__ import annotations

from typing import Protocol


class Autoscaler(Protocol):
    """The part of Application Auto Scaling that SageMaker uses."""

    def has_target(self, endpoint: str, variant: str) -> bool:
        """Return whether a variant is registered as a scalable target."""

    def desired_instances(self, endpoint: str, variant: str, instances: int) -> int:
        """Return how many instances a variant should have now."""

    def record_activity(self, endpoint: str, variant: str, instances: int, *, problem: str = "") -> None:
        """Record the result of a scaling activity."""
