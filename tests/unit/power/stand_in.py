"""AWS as the switch knows it, in memory, with a clock that tests set."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from power.outcome import Limits
from power.state import Lease, Stack
from power.switch import Switch

NOW = 1_800_000_000.0
LIMITS = Limits(120, 720, office_minutes=690, idle_minutes=60, wakes_per_day=2, request_minutes=60)


def refused(message: str, code: str = "ValidationError") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "UpdateStack")


@dataclass
class StandIn:
    """What ``Cloud`` reads and changes; ``calls`` has the changes in their order."""

    status: str = "UPDATE_COMPLETE"
    awake: bool = True
    changed: float = 0.0
    state: str | None = "InService"
    planned: Lease | None = None
    serves: float = 0.0
    tokens_of: list[str] = field(default_factory=list)
    asked: bool = False
    refusal: ClientError | None = None
    calls: list[Any] = field(default_factory=list)

    def stack(self) -> Stack:
        return Stack(self.status, self.awake, self.changed, ("Awake", "BootstrapVersion"))

    def update(self, stack: Stack, *, awake: bool, token: str) -> None:
        if self.refusal:
            raise self.refusal
        self.calls.append(("update", awake))
        self.tokens_of.insert(0, token)
        self.awake, self.status = awake, "UPDATE_IN_PROGRESS"

    def tokens(self, since: float = 0) -> Iterator[str]:
        return iter(self.tokens_of)

    def reason(self) -> str:
        return "no capacity"

    def endpoint(self) -> str | None:
        return self.state

    def in_service_since(self) -> float | None:
        return self.serves if self.state == "InService" else None

    def delete_endpoint(self) -> None:
        self.calls.append("delete endpoint")

    def lease(self) -> Lease | None:
        return self.planned

    def put_lease(self, lease: Lease, now: float) -> None:
        self.planned = replace(lease, fires=max(lease.fires or lease.until, now + 60))
        self.calls.append(("lease", lease.owner))

    def drop_lease(self) -> None:
        self.planned = None
        self.calls.append("no lease")

    def has_requests(self, since: float, now: float) -> bool:
        return self.asked


def switch(cloud: StandIn, limits: Limits = LIMITS, now: float = NOW) -> Switch:
    found: Any = cloud
    return Switch(found, limits, "cohere-dev-endpoint", now)


def person(minutes: float, attempt: int = 0) -> Lease:
    """A person's lease that ends in some minutes."""
    return Lease("person", NOW + 60 * minutes, NOW - 60, attempt, NOW + 60 * minutes)
