"""EventBridge Scheduler on top of MiniStack's store of schedules: checks, time zones, the movable clock, roles.

One of the modules that use MiniStack's private names.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from datetime import UTC, datetime
from typing import Any, Final

from ministack import app
from ministack.services import scheduler

from local_aws.server import emulator, permissions
from local_aws.server.clock import Clock
from local_aws.server.emulator import Properties, ResourceType, Response
from local_aws.server.errors import AwsError, validation
from local_aws.server.request_validation import from_template
from local_aws.server.scheduling import groups, requests
from local_aws.server.scheduling.due import DueSchedules, is_over
from local_aws.server.scheduling.targets import PRINCIPAL, Invocation

TICK_SECONDS: Final = 0.3
_LOG = logging.getLogger("local_aws.schedules")


class Scheduler:
    """The service.

    Args:
        clock: the movable clock.

    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due = DueSchedules(clock.now())
        self._create = scheduler._create_schedule
        self._update = scheduler._update_schedule
        self._handle = app.SERVICE_HANDLERS["scheduler"]

    def complete(self) -> None:
        """Let MiniStack's service check its requests, and call targets itself."""
        scheduler._now = self._clock.now
        scheduler._create_schedule = self._checked(self._create, is_new=True)
        scheduler._update_schedule = self._checked(self._update, is_new=False)
        scheduler.start_scheduler = self._start
        app.SERVICE_HANDLERS["scheduler"] = self.answer
        groups.complete()

    async def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """Answer a request; the signer of a new schedule must be allowed to pass the target's role."""
        if method in ("POST", "PUT") and path.startswith("/schedules/"):
            role = _role_of(body)
            denied = role and permissions.caller_denial("iam:PassRole", role, "scheduler", headers, query, PRINCIPAL)
            if denied:
                return denied
        response: Response = await self._handle(method, path, headers, body, query)
        return response

    def put(self, name: str, request: Properties, *, is_new: bool) -> str:
        """Create or replace a schedule; return its ARN.

        Raises:
            AwsError: the service refuses it.

        """
        put = scheduler._create_schedule if is_new else scheduler._update_schedule
        status, _, body = put(name, request)
        answer = json.loads(body)
        if status != 200:
            raise AwsError(answer["__type"], answer["Message"], status=status)
        return str(answer["ScheduleArn"])

    def tick(self) -> None:
        """Call the targets of what became due."""
        now = self._clock.now()
        schedules = dict(scheduler._schedules._data)
        due = self._due.at(now, schedules)
        invocations = [Invocation(schedules[one.key], one.moment, *one.key[:2]) for one in due]
        if invocations:
            threading.Thread(target=_run_all, args=(invocations,), daemon=True).start()
        for key, schedule in schedules.items():
            if schedule.get("ActionAfterCompletion") == "DELETE" and is_over(schedule, now):
                scheduler._schedules._data.pop(key, None)

    def _start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="local-aws-scheduler").start()

    def _run(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            if not scheduler._schedules._data:
                continue
            try:
                self.tick()
            except Exception:  # noqa: BLE001 - the next schedules are due all the same
                _LOG.exception("schedules")

    def _checked(self, original: Any, *, is_new: bool) -> Any:  # noqa: ANN401 - MiniStack's own
        def put(name: str, body: dict[str, Any]) -> Response:
            problem = requests.problem(name, body, self._clock.now(), is_new=is_new) or _untrusted(body)
            if problem:
                response: Response = scheduler._error(problem.status, problem.code, problem.message)
                return response
            answer: Response = original(name, body)
            return answer

        return put


def _run_all(invocations: list[Invocation]) -> None:
    for one in invocations:
        one.run()


def _untrusted(body: dict[str, Any]) -> AwsError | None:
    group = scheduler._group_arn(body.get("GroupName", "default"))
    if permissions.trusts(body["Target"]["RoleArn"], PRINCIPAL, group):
        return None
    return validation("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")


def _role_of(body: bytes) -> str:
    try:
        return str((json.loads(body or b"{}").get("Target") or {}).get("RoleArn") or "")
    except (ValueError, AttributeError):
        return ""


def resource_type(service: Scheduler) -> ResourceType:
    """Return CloudFormation's type of a schedule, on top of the operations that the SDK calls."""

    def put(name: str, properties: Properties, *, is_new: bool) -> tuple[str, Properties]:
        request = from_template("scheduler", "CreateSchedule", properties)
        dates: Properties = {key: _epoch(request[key]) for key in ("StartDate", "EndDate") if key in request}
        try:
            arn = service.put(name, {**{k: v for k, v in request.items() if k != "Name"}, **dates}, is_new=is_new)
        except AwsError as error:
            raise ValueError(
                f"{error.message} (Service: Scheduler, Status Code: {error.status}, {error.code})"
            ) from None
        return name, {"Arn": arn}

    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
        return put(properties.get("Name") or emulator.generated_name(stack, logical_id), properties, is_new=True)

    def delete(name: str, properties: Properties) -> None:
        scheduler._delete_schedule(name, {"groupName": properties.get("GroupName", "default")})

    def read(name: str, properties: Properties) -> Properties | None:
        found: Properties | None = scheduler._schedules.get(f"{properties.get('GroupName', 'default')}/{name}")
        return found

    return ResourceType(
        name="AWS::Scheduler::Schedule",
        create=create,
        update=lambda name, _old, new, _stack: put(name, new, is_new=False),
        delete=delete,
        read=read,
        readable=frozenset({"ScheduleExpression", "State"}),
    )


def _epoch(text: str) -> float:
    moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
