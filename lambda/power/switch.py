"""The decisions of the switch: it reads what is, compares it with what is to be, and makes at most one change.

Every wake has an end: the lease, a schedule that fires once, which is planned before the stack is updated. It is also
the memory of the switch. While it stands, each tick wakes an endpoint that sleeps all the same, because the stack was
busy or there was no capacity. A sleep plans one, too: it fires a few minutes later, and finds the endpoint gone, or
tries again. Nothing else is stored. Wakes by requests are counted by the tokens of the stack's events, so that a failed
one counts, too, and no table has to be kept, paid for and deleted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from botocore.exceptions import ClientError

from power.cloud import Cloud
from power.outcome import (
    MAX_SLEEP_ATTEMPTS,
    MAX_WAKE_ATTEMPTS,
    OFFICE_MARGIN_SECONDS,
    RETRY_SECONDS,
    Limits,
    Outcome,
    broken,
    iso,
    moment,
)
from power.state import Lease, Stack

_DELETABLE: Final = ("InService", "Failed", "OutOfService", "UpdateRollbackFailed")


class Switch:
    """Changes one parameter of one stack.

    Args:
        cloud: AWS.
        limits: the settings.
        stack: the stack's name, for messages.
        now: the moment, in seconds since 1970.

    """

    def __init__(self, cloud: Cloud, limits: Limits, stack: str, now: float) -> None:
        self._cloud, self._limits, self._name, self._now = cloud, limits, stack, now

    def act(self, event: dict[str, Any]) -> Outcome:
        """Return what came of an event; an action that is not known is refused."""
        by = str(event.get("by") or "person")
        action = event.get("action")
        if action == "wake":
            return self._wake(by, event)
        if action == "sleep":
            return self._sleep(by, Lease(**event["lease"]) if by == "lease" and "lease" in event else None)
        if action == "extend":
            return self._extend(event.get("minutes"))
        if action == "tick":
            return self._tick()
        if action == "status":
            return Outcome("status", "nothing was changed")
        return Outcome("refused", f"action {action!r} is unknown; allowed: wake, sleep, extend, status, tick")

    def _wake(self, by: str, event: dict[str, Any]) -> Outcome:
        wanted = self._lease_for(by, event)
        if isinstance(wanted, Outcome):
            return wanted
        stack, old = self._cloud.stack(), self._cloud.lease()
        broken = self._broken(stack)
        if by == "request":
            if stack.awake or (old and old.wakes and old.until > self._now):
                return Outcome("already", "it is awake, or is being woken")
            if refused := broken or self._capped():
                return replace(refused, wake_failed=bool(broken))
        if old and old.wakes and old.until >= wanted.until:
            wanted = old if stack.awake else replace(old, attempt=0)
        if wanted is not old:
            self._cloud.put_lease(wanted, self._now)
        if broken:  # whoever mends it need not wake it again: a tick does
            return replace(broken, wake_failed=True)
        if not stack.awake:
            return self._start(stack, wanted, by)
        if not stack.is_busy and self._cloud.endpoint() is None:
            return self._lost()
        state = "is being woken, or updated" if stack.is_busy else "is awake"
        return Outcome("already", f"it {state}; until {iso(wanted.until)}")

    def _lease_for(self, by: str, event: dict[str, Any]) -> Lease | Outcome:
        """Return the lease that a wake asks for, or the refusal."""
        limits, now = self._limits, self._now
        if by == "office hours":
            began = moment(event.get("time"), now)  # the event may be late
            if any(start <= began < end for start, end in limits.excepted):
                return Outcome("refused", "today is one of except_dates: office hours do not wake it")
            until = began + 60 * limits.office_minutes
            if until <= now:
                return Outcome("refused", f"it is late: these office hours ended {iso(until)}")
            return Lease(by, until, now, fires=until + OFFICE_MARGIN_SECONDS)
        if by == "request":
            if not limits.wakes_per_day:
                return Outcome("refused", "requests may not wake it: set endpoint.sleep.on_demand")
            return Lease(by, now + 60 * limits.request_minutes, now)
        minutes = event.get("minutes")
        length = limits.default_minutes if minutes is None else minutes
        return self._wrong(length) or Lease("person", now + 60 * length, now)

    def _wrong(self, minutes: Any) -> Outcome | None:  # noqa: ANN401 - JSON
        most = self._limits.max_minutes
        if isinstance(minutes, int) and not isinstance(minutes, bool) and 1 <= minutes <= most:
            return None
        allowed = f"allowed: 1 to {most}, or raise endpoint.sleep.lease.max_minutes and deploy"
        return Outcome("refused", f"minutes {minutes!r} is wrong; {allowed}")

    def _capped(self) -> Outcome | None:
        since, most = self._now - 86400, self._limits.wakes_per_day
        count = sum(1 for token in self._cloud.tokens(since) if token.startswith("wake-request"))
        if count < most:
            return None
        return Outcome(
            "capped", f"requests woke it {count} times in 24 hours, and may {most} times: a person may wake it"
        )

    def _start(self, stack: Stack, lease: Lease, by: str) -> Outcome:
        """Wake it, or say what stands in the way; the lease lets a tick try again."""
        until = f"until {iso(lease.until)}"
        if stack.is_busy:
            return Outcome("busy", f"{stack.status}: a tick wakes it, {until}, when that is over")
        if orphan := self._remove_orphan():
            return orphan
        self._cloud.put_lease(replace(lease, attempt=lease.attempt + 1), self._now)
        return self._update(stack, by, f"it is being woken, {until}", awake=True)

    def _remove_orphan(self) -> Outcome | None:
        """Delete an endpoint that runs although its stack has none: CloudFormation gave its deletion up."""
        status = self._cloud.endpoint()
        if status is None:
            return None
        stack = self._cloud.stack()  # again: nothing may wake it between both answers
        if stack.awake or stack.is_busy:
            return Outcome("busy", f"{stack.status}: the stack changed at this moment; the next tick looks again")
        if status not in _DELETABLE:
            return Outcome("busy", f"the stack has no endpoint, but one is {status}: the next tick looks again")
        self._cloud.delete_endpoint()
        return Outcome(
            "repaired", "CloudFormation had left the endpoint running: it is being deleted", sleep_failed=True
        )

    def _update(self, stack: Stack, by: str, said: str, *, awake: bool) -> Outcome:
        # A token has letters, digits and hyphens, and another update must not have the same.
        who = "".join(filter(str.isalnum, by.encode("ascii", "ignore").decode()))[:40]
        token = f"{'wake' if awake else 'sleep'}-{who}-{self._now * 1000:.0f}"
        try:
            self._cloud.update(stack, awake=awake, token=token)
        except ClientError as error:
            message = error.response["Error"]["Message"]
            if "No updates are to be performed" in message:
                return Outcome("already", "CloudFormation has nothing to update")
            if "_IN_PROGRESS" in message:
                return Outcome("busy", "the stack began another update at this moment: it is tried again")
            raise
        return Outcome("changed", said)

    def _sleep(self, by: str, fired: Lease | None) -> Outcome:
        stack, lease = self._cloud.stack(), self._cloud.lease()
        if lease and lease.wakes and lease.until > self._now and self._wins(lease, by, fired):
            return Outcome("refused", f"a lease wins: it is awake until {iso(lease.until)}")
        broken = self._broken(stack)
        if not stack.awake:
            if lease and lease.wakes:
                self._cloud.drop_lease()  # or the next tick would wake it
            gone = None if stack.is_busy or broken else self._remove_orphan()
            return broken or gone or Outcome("already", "it sleeps, or is being put to sleep")
        attempt = 1 + (fired.attempt if fired and not fired.wakes else 0)
        if attempt > MAX_SLEEP_ATTEMPTS:
            return Outcome("failed", f"it did not sleep in {attempt - 1} attempts: see {self._name}", sleep_failed=True)
        again = self._now + RETRY_SECONDS
        self._cloud.put_lease(Lease("sleep", again, self._now, attempt), self._now)
        if broken:
            return replace(broken, sleep_failed=True)
        endpoint = None if stack.is_busy else self._cloud.endpoint()
        if stack.is_busy or endpoint not in (None, *_DELETABLE):
            # CloudFormation would give the deletion up, and report success.
            waits = stack.status if stack.is_busy else f"the endpoint is {endpoint}"
            return Outcome("busy", f"{waits}: the sleep is tried again at {iso(again)}")
        return self._update(stack, by, f"it is being put to sleep, which is verified at {iso(again)}", awake=False)

    @staticmethod
    def _wins(lease: Lease, by: str, fired: Lease | None) -> bool:
        """Return whether a lease keeps it awake: against the evening, and against the end of an earlier lease."""
        if by == "office hours":
            return lease.owner != by
        return by == "lease" and (fired is None or fired.granted != lease.granted)

    def _extend(self, minutes: Any) -> Outcome:  # noqa: ANN401 - JSON
        if wrong := self._wrong(60 if minutes is None else minutes):
            return wrong
        lease = self._cloud.lease()
        if not lease or not lease.wakes or not self._cloud.stack().awake:
            return Outcome("refused", "there is no lease to extend: wake it for a time, with `endpointctl wake --for`")
        until = max(lease.until, self._now) + 60 * (60 if minutes is None else minutes)
        most = self._now + 60 * self._limits.max_minutes
        if until > most:
            return Outcome("refused", f"until {iso(until)} is too long; allowed: at most {iso(most)}, from now")
        moved = replace(lease, owner="person", until=until, granted=self._now, fires=0)
        self._cloud.put_lease(moved, self._now)
        return Outcome("changed", f"it is awake until {iso(until)}")

    def _tick(self) -> Outcome:
        stack, lease = self._cloud.stack(), self._cloud.lease()
        if broken := self._broken(stack):
            return replace(broken, wake_failed=bool(lease and lease.wakes and not stack.awake))
        if stack.is_busy:
            return Outcome("busy", f"{stack.status}: nothing is decided meanwhile")
        if stack.awake:
            return self._check_awake(stack, lease)
        if lease and lease.wakes and lease.until > self._now:
            return self._wake_again(stack, lease)
        return self._remove_orphan() or Outcome("already", "it sleeps")

    def _wake_again(self, stack: Stack, lease: Lease) -> Outcome:
        failed = lease.attempt > 0
        reason = self._cloud.reason() if failed else ""
        if lease.attempt >= MAX_WAKE_ATTEMPTS:
            self._cloud.drop_lease()
            said = f"it did not wake in {lease.attempt} attempts ({reason}): see {self._name}, then wake it again"
            return Outcome("failed", said, wake_failed=True)
        found = self._start(stack, lease, lease.owner)
        said = f"attempt {lease.attempt} failed ({reason}); {found.message}" if failed else found.message
        return replace(found, message=said, wake_failed=failed)

    def _check_awake(self, stack: Stack, lease: Lease | None) -> Outcome:
        if lease is None and next(self._cloud.tokens(), None):
            return self._sleep("lost lease", None)
        if not self._limits.idle_minutes:
            return Outcome("already", "it is awake")
        granted = lease.granted if lease and lease.wakes else 0
        since = self._now - 60 * self._limits.idle_minutes
        serves = self._cloud.in_service_since()
        if serves is None or max(stack.changed, granted, serves) > since:
            return Outcome("already", "it is awake, and it is too early to call it idle")
        if self._cloud.has_requests(since, self._now):
            return Outcome("already", "it is awake and in use")
        return self._sleep("idle", None)

    def _broken(self, stack: Stack) -> Outcome | None:
        return broken(self._name, stack.status) if stack.is_broken else None

    def _lost(self) -> Outcome:
        said = f"the endpoint is gone although {self._name} has it: somebody deleted it; put it to sleep, then wake it"
        return Outcome("failed", said, wake_failed=True)
