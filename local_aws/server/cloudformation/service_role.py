"""The role of a stack: who may give it, whether CloudFormation may assume it, and that a stack keeps it.

One of the modules that use MiniStack's private names.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from ministack import app
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers

from local_aws.server import emulator, permissions
from local_aws.server.emulator import Response

PRINCIPAL: Final = "cloudformation.amazonaws.com"
_STACK_ACTIONS: Final = ("CreateStack", "UpdateStack", "DeleteStack", "ContinueUpdateRollback", "RollbackStack")
_STACK_ID = re.compile(r"<StackId>([^<]+)</StackId>")


class ServiceRole:
    """CloudFormation's requests, with their ``RoleARN``, which MiniStack ignores."""

    def __init__(self) -> None:
        self._handle = app.SERVICE_HANDLERS["cloudformation"]

    def complete(self) -> None:
        """Let MiniStack check and remember roles."""
        app.SERVICE_HANDLERS["cloudformation"] = self.answer

    async def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """Answer a request."""
        request = {**query, **parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)}
        action, role = _first(request, "Action"), _first(request, "RoleARN")
        if problem := self._problem(action, role, request, headers, query):
            return problem
        kept = _change_set(request).get("RoleARN", "") if action == "ExecuteChangeSet" else role
        before = _stack(request) if kept and action in (*_STACK_ACTIONS, "ExecuteChangeSet") else None
        former = (before or {}).get("RoleARN")
        if before is not None:
            # Before the operation starts: MiniStack may run its first steps before it answers.
            before["RoleARN"] = kept
        response: Response = await self._handle(method, path, headers, body, query)
        if response[0] != 200:
            if before is not None:
                before["RoleARN"] = former
        elif action == "CreateStack" and role:
            _stack(request)["RoleARN"] = role
        elif action == "CreateChangeSet" and role:
            _change_set(request)["RoleARN"] = role
        elif action == "DescribeStacks":
            return _with_roles(response)
        return response

    def _problem(
        self, action: str, role: str, request: dict[str, Any], headers: dict[str, str], query: dict[str, Any]
    ) -> Response | None:
        stack = _stack(request) if action == "UpdateStack" else {}
        if _first(request, "UsePreviousTemplate") == "true":
            for arn in _ssm_parameters(stack):
                if no := permissions.caller_denial("ssm:GetParameters", arn, "cloudformation", headers, query):
                    return no
        if not role or action not in (*_STACK_ACTIONS, "CreateChangeSet"):
            return None
        denied = permissions.caller_denial("iam:PassRole", role, "cloudformation", headers, query, PRINCIPAL)
        if denied or permissions.trusts(role, PRINCIPAL):
            return denied
        refused: Response = handlers._error("ValidationError", f"Role {role} is invalid or cannot be assumed")
        return refused


def _first(request: dict[str, Any], name: str) -> str:
    value = request.get(name) or ""
    return str(value[0] if isinstance(value, list) else value)


def _stack(request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = handlers._resolve_stack(_first(request, "StackName")) or {}
    return found


def _change_set(request: dict[str, Any]) -> dict[str, Any]:
    name = _stack(request).get("StackName", _first(request, "StackName"))
    found: dict[str, Any] = changesets._find_change_set(_first(request, "ChangeSetName"), name)[1] or {}
    return found


def _ssm_parameters(stack: dict[str, Any]) -> list[str]:
    """Return the ARNs of the parameters in Parameter Store that a stack's own parameters name."""
    prefix = f"arn:aws:ssm:{emulator.region()}:{emulator.account()}:parameter/"
    names = (one.get("SsmName") for one in stack.get("_resolved_params", {}).values() if isinstance(one, dict))
    return [prefix + name.lstrip("/") for name in names if name]


def _with_roles(response: Response) -> Response:
    roles = {one["StackId"]: one["RoleARN"] for one in cloudformation._stacks.values() if one.get("RoleARN")}

    def add(match: re.Match[str]) -> str:
        role = roles.get(match[1])
        return f"{match[0]}<RoleARN>{escape(role)}</RoleARN>" if role else match[0]

    status, headers, body = response
    return status, headers, _STACK_ID.sub(add, body.decode()).encode() if roles else body
