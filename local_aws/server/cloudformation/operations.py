"""Stack operations as CloudFormation carries them out: their events, their cleanup, their role.

One of the modules that use MiniStack's private names.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers, stacks

from local_aws.conditions import ConditionsFile
from local_aws.server.clock import Clock
from local_aws.server.cloudformation import role_checks, status_events

_ATTEMPTS: Final = 3
_WAIT_SECONDS: Final = 0.05
_STACK: Final = "AWS::CloudFormation::Stack"
_CLEANUP: Final = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
_UPDATES: Final = ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_FAILED")
_ROLLED_BACK: Final = ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE")


@dataclass
class _Operation:
    """The operation that is running.

    Attributes:
        stack: MiniStack's record of the stack.
        former: the logical ids that the stack had before; None unless it is an update.
        rollback_fails: whether the conditions let its rollback fail.

    """

    stack: dict[str, Any]
    former: frozenset[str] | None = None
    rollback_fails: bool = False


_current: ContextVar[_Operation | None] = ContextVar("local_aws_stack_operation", default=None)


def complete(clock: Clock, conditions: ConditionsFile) -> None:
    """Let MiniStack's stack operations do what CloudFormation does.

    Args:
        clock: the clock of time stamps.
        conditions: which steps fail.

    """
    _set_clock(clock)
    _follow_operations()
    _complete_events(conditions)
    for name, action in (("_provision_resource", "create"), ("_update_resource", "update")):
        setattr(stacks, name, _step(getattr(stacks, name), action, conditions))
    stacks._delete_resource = _deletion(_step(stacks._delete_resource, "delete", conditions))


def _set_clock(clock: Clock) -> None:
    def now() -> str:
        return datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="milliseconds")[:-6] + "Z"

    stacks.now_iso = handlers.now_iso = changesets.now_iso = now


def _follow_operations() -> None:
    deploy, delete = stacks._deploy_stack_async, stacks._delete_stack_async

    async def deploy_stack(stack_name: str, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - MiniStack's own
        stack = cloudformation._stacks[stack_name]
        former = frozenset((options.get("previous_stack") or {}).get("_resources", {}))
        operation = _Operation(stack, former if options.get("is_update") else None)
        token = _current.set(operation)
        try:
            await deploy(stack_name, *arguments, **options)
        finally:
            _current.reset(token)
        if operation.former is not None and stack["StackStatus"] == "UPDATE_COMPLETE":
            _settle(stack, operation.former)

    async def delete_stack(stack_name: str, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - MiniStack's own
        stack = cloudformation._stacks.get(stack_name)
        token = _current.set(_Operation(stack) if stack else None)
        try:
            await delete(stack_name, *arguments, **options)
        finally:
            _current.reset(token)

    for module in (stacks, handlers, changesets):
        module._deploy_stack_async = deploy_stack
    stacks._delete_stack_async = handlers._delete_stack_async = delete_stack


def _settle(stack: dict[str, Any], former: frozenset[str]) -> None:
    """Remove what the cleanup could not delete: it exists, and does not belong to the stack any more.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html, "Resource removed from stack
    but not deleted".
    """
    resources = stack["_resources"]
    for name in [name for name, one in resources.items() if one.get("ResourceStatus") == "DELETE_FAILED"]:
        del resources[name]
    for name in resources.keys() - former:
        resources[name]["ResourceStatus"] = "CREATE_COMPLETE"


def _complete_events(conditions: ConditionsFile) -> None:
    record, roll_back = stacks._add_event, stacks._roll_back_operation

    def add(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        type_: str,
        status: str,
        reason: str = "",
        *rest: Any,  # noqa: ANN401 - MiniStack's own
        **more: Any,  # noqa: ANN401 - MiniStack's own
    ) -> None:
        operation = _current.get()
        if operation and type_ == _STACK and stack_id == operation.stack["StackId"] and operation.rollback_fails:
            if status in _ROLLED_BACK[:1]:
                return
            if status in _ROLLED_BACK:
                status, reason = "UPDATE_ROLLBACK_FAILED", "The conditions of the local cloud let the rollback fail."
                operation.stack |= {"StackStatus": status, "StackStatusReason": reason, "_rollback_failed": {}}
        elif operation and operation.former is not None and status in _UPDATES and logical_id not in operation.former:
            # MiniStack reports what an update creates as updated.
            status = status if logical_id == stack_name else f"CREATE{status.removeprefix('UPDATE')}"
        record(stack_id, stack_name, logical_id, type_, status, reason, *rest, **more)
        if logical_id == stack_name and type_ == _STACK:
            status_events.send(stack_id, status, reason)

    async def roll_back_operation(
        stack_name: str,
        stack_id: str,
        stack: dict[str, Any],
        *rest: Any,  # noqa: ANN401 - MiniStack's own
        **more: Any,  # noqa: ANN401 - MiniStack's own
    ) -> None:
        operation = _current.get() or _Operation(stack)
        operation.rollback_fails = _fails(conditions, "rollback", stack_name)
        token = _current.set(operation)
        try:
            await roll_back(stack_name, stack_id, stack, *rest, **more)
        finally:
            _current.reset(token)
            operation.rollback_fails = False

    stacks._roll_back_operation = handlers._roll_back_operation = roll_back_operation
    for module in (stacks, handlers, changesets):
        if hasattr(module, "_add_event"):
            module._add_event = add


def _step(original: Callable[..., Any], action: str, conditions: ConditionsFile) -> Callable[..., Any]:
    """Let a step fail that the conditions or the stack's role forbid."""

    def run(type_: str, name: str, *rest: Any) -> Any:  # noqa: ANN401 - MiniStack's own
        if action == "update" and rest[0] == rest[1]:
            return original(type_, name, *rest)
        # create: properties, stack; update: old, new, stack, logical id, attributes; delete: properties, stack, id.
        logical_id = {"create": name, "update": (*rest, "", "")[3], "delete": (*rest, "", "")[2]}[action]
        if _fails(conditions, action, type_, str(logical_id)):
            raise ValueError(f"The conditions of the local cloud let this {action} fail.")
        operation = _current.get()
        if operation and (role := operation.stack.get("RoleARN")):
            properties: Mapping[str, Any] = rest[1] if action == "update" else rest[0]
            role_checks.check(role, action, type_, name, properties, operation.stack["StackName"])
        return original(type_, name, *rest)

    return run


def _fails(conditions: ConditionsFile, action: str, *names: str) -> bool:
    wanted = [one.partition(" ") for one in conditions.now().stack_failures]
    return any(verb == action and any(part in name for name in names) for verb, _, part in wanted)


def _deletion(original: Callable[..., None]) -> Callable[..., None]:
    """Delete in the cleanup phase of a successful update as CloudFormation does: three attempts, each with its events.

    MiniStack does not fail the update by it, which is right, and reports the last attempt.
    """

    def delete(type_: str, name: str, properties: Any, stack_name: str = "", logical_id: str = "") -> None:  # noqa: ANN401 - MiniStack's own
        operation = _current.get()
        stack = operation.stack if operation else {}
        if stack.get("StackStatus") not in ("UPDATE_IN_PROGRESS", _CLEANUP):
            original(type_, name, properties, stack_name, logical_id)
            return
        if stack["StackStatus"] != _CLEANUP:
            stack["StackStatus"] = _CLEANUP
            stacks._add_event(stack["StackId"], stack_name, stack_name, _STACK, _CLEANUP, "", stack["StackId"])

        def report(status: str, reason: str = "") -> None:
            stacks._add_event(stack["StackId"], stack_name, logical_id, type_, status, reason, name)

        for attempt in range(1, _ATTEMPTS + 1):
            report("DELETE_IN_PROGRESS")
            try:
                original(type_, name, properties, stack_name, logical_id)
                report("DELETE_COMPLETE")
                return
            except Exception as error:
                if attempt == _ATTEMPTS:
                    raise
                report("DELETE_FAILED", str(error))
                time.sleep(_WAIT_SECONDS)

    return delete
