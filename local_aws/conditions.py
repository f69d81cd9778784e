"""What the local cloud's account has and has not: subscriptions, quotas, capacity, sick containers, faults.

Kept in a JSON file in the run's folder, which the server reads anew when it changes, so a test or a person sets it with
one command while everything runs:

    .venv/bin/python -m local_aws.conditions '{"capacity": {"ml.p5.48xlarge": 0}}'
    .venv/bin/python -m local_aws.conditions '{"faults": [{"error": "ThrottlingException", "times": 3}]}'
    .venv/bin/python -m local_aws.conditions reset
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "LOCAL_AWS_CONDITIONS"
"""The environment variable with the file's path; ``.local-cloud/env`` sets it."""

DEFAULT_QUOTA: Final = 20
"""Instances of each type for endpoints, in instances. A real account often begins with 0."""

FAULTS: Final = (
    "ThrottlingException",
    "ModelNotReadyException",
    "InternalFailure",
    "ServiceUnavailable",
    "InternalDependencyException",
    "ModelError400",
    "ModelError429",
    "ModelError500",
    "ModelErrorTimeout",
    "Slow",
    "ModelInvocationTimeExceeded",
    "StreamBroken",
    "InternalStreamFailure",
)
"""The faults of the runtime: its own errors, errors of the container, a model that takes 70 s, and ends of streams."""


@dataclass(frozen=True)
class Fault:
    """An error instead of an answer.

    Attributes:
        error: one of ``FAULTS``.
        endpoint: only for this endpoint; default all.
        share: the share of the requests it happens to, 0 to 1; default all.
        skip: how many requests pass before it; default 0.
        times: how often it happens; default without end.

    """

    error: str
    endpoint: str = ""
    share: float = 1.0
    skip: int = 0
    times: int | None = None

    def __post_init__(self) -> None:
        if self.error not in FAULTS:
            raise ValueError(f"fault: {self.error!r} is unknown; allowed: {', '.join(FAULTS)}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"fault: share: {self.share!r} is wrong; allowed: 0 to 1")


@dataclass(frozen=True)
class Conditions:
    """The account's situation. Everything is there by default.

    Attributes:
        unsubscribed: parts of package ids to which the account is not subscribed.
        quotas: instances for endpoints by type; default ``DEFAULT_QUOTA`` of each.
        capacity: instances that are to be had, by type; default without end.
        unhealthy: parts of package ids whose containers never become healthy.
        kms_with_nvme: whether a KMS key of an endpoint config is taken for types with NVMe storage (AWS's documents
            disagree); default not.
        faults: errors of the runtime; the first that applies happens.
        answer_seconds: how long a model takes for each answer, beside its work; default 0.
        response_limit_seconds: after how long the runtime gives a whole answer up; default SageMaker's 60.
        concurrency: how many requests an instance answers at once; default 32.
        queue: how many requests wait for an instance before more are throttled; default 256. Neither number is known of
            SageMaker or of Cohere's containers.
        system_updating: parts of names of endpoints that SageMaker maintains just now.

    """

    unsubscribed: tuple[str, ...] = ()
    quotas: Mapping[str, int] = field(default_factory=dict)
    capacity: Mapping[str, int] = field(default_factory=dict)
    unhealthy: tuple[str, ...] = ()
    kms_with_nvme: bool = False
    faults: tuple[Fault, ...] = ()
    answer_seconds: float = 0.0
    response_limit_seconds: float = 60.0
    concurrency: int = 32
    queue: int = 256
    system_updating: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Conditions:
        """Read conditions.

        Raises:
            ValueError: it is not JSON, or has an unknown key or fault; one line says which and what is allowed.

        """
        known = ", ".join(one.name for one in fields(cls))
        try:
            given: dict[str, Any] = json.loads(text)
            if unknown := sorted(set(given) - {one.name for one in fields(cls)}):
                raise TypeError(f"{unknown[0]!r} is unknown")
            faults = tuple(Fault(**fault) for fault in given.pop("faults", []))
            lists: dict[str, Any] = {
                key: tuple(given.pop(key, ())) for key in ("unsubscribed", "unhealthy", "system_updating")
            }
            return cls(faults=faults, **lists, **given)
        except (TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"conditions: {error}; allowed: a JSON object with {known}") from None

    def lacks_subscription(self, package: str) -> bool:
        """Return whether the account is not subscribed to a package."""
        return any(part in package for part in self.unsubscribed)

    def is_sick(self, package: str) -> bool:
        """Return whether a package's container never becomes healthy."""
        return any(part in package for part in self.unhealthy)

    def quota(self, instance_type: str) -> int:
        """Return how many instances of a type endpoints may have."""
        return self.quotas.get(instance_type, DEFAULT_QUOTA)

    def has_capacity(self, instance_type: str, wanted: int) -> bool:
        """Return whether so many more instances of a type are to be had."""
        return wanted <= self.capacity.get(instance_type, wanted)


class ConditionsFile:
    """The conditions as the file has them now.

    Args:
        path: the file; without it everything is there.

    """

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._read: tuple[float, Conditions] = (0.0, Conditions())

    def now(self) -> Conditions:
        """Return the conditions; the last right ones while the file is wrong."""
        try:
            changed = self._path.stat().st_mtime if self._path else 0.0
            if self._path and changed != self._read[0]:
                self._read = (changed, Conditions.from_json(self._path.read_text("utf-8")))
        except FileNotFoundError:
            self._read = (0.0, Conditions())
        except ValueError:
            pass
        return self._read[1]


def set_conditions(conditions: Conditions, path: Path) -> None:
    """Write the file in one step, so that nobody reads half of it."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(conditions)), encoding="utf-8")
    draft.replace(path)


def main() -> None:
    """Set, reset or show the conditions of the local cloud that runs."""
    path = os.environ.get(VARIABLE)
    if not path or not Path(path).parent.exists():
        sys.exit(f"{VARIABLE} names no running local cloud: run `make local`, and here `. .local-cloud/env`")
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        if wanted:
            set_conditions(Conditions() if wanted == "reset" else Conditions.from_json(wanted), Path(path))
    except ValueError as error:
        sys.exit(str(error))
    file = Path(path)
    print(file.read_text("utf-8") if file.exists() else json.dumps(asdict(Conditions())))


if __name__ == "__main__":
    main()
