"""What roles may do when a service acts with them, and who may pass them to a service.

One of the modules that use MiniStack's private names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import iam

from local_aws.server import emulator
from local_aws.server.emulator import Response


def caller_denial(
    action: str, resource: str, called: str, headers: dict[str, str], query: dict[str, Any], passed_to: str = ""
) -> Response | None:
    """Check whether the request's signer may do what the called operation does in their name.

    Args:
        action: e.g. ``iam:PassRole``.
        resource: the ARN of what it is done with.
        called: the service that answers, for the form of the error, e.g. ``scheduler``.
        headers: the request's headers, lower case.
        query: the request's query parameters.
        passed_to: the principal that gets a role, e.g. ``scheduler.amazonaws.com``; default none.

    Returns:
        None when it is allowed, else the AccessDenied response.

    """
    denied: Response | None = app._enforce_data_plane(
        called,
        action,
        headers,
        query,
        "",
        resource_arn=resource,
        named_resource=resource,
        service_context={"iam:PassedToService": passed_to} if passed_to else None,
    )
    return denied


def trusts(role_arn: str, service: str, source_arn: str = "") -> bool:
    """Return whether a role exists and a service may assume it.

    Args:
        role_arn: the role.
        service: the principal, e.g. ``scheduler.amazonaws.com``.
        source_arn: the resource for which the service assumes it, for ``aws:SourceArn``; default none.

    """
    role = _role(role_arn)
    if role is None:
        return False
    keys = {"aws:sourceaccount": emulator.account(), "aws:sourcearn": source_arn or None}
    context = _context(service, "Service", "sts:AssumeRole", role_arn, keys)
    document = role.get("AssumeRolePolicyDocument") or {}
    statements = (json.loads(document) if isinstance(document, str) else document).get("Statement", [])
    # MiniStack's matcher takes no service for a caller, so it gets the statements that name this one.
    named = [
        {**one, "Principal": "*"}
        for one in ([statements] if isinstance(statements, dict) else statements)
        if one.get("Principal") == "*" or iam_evaluator._service_principal_matches(one.get("Principal"), service)
    ]
    return bool(iam_evaluator.evaluate_trust_policy({"Statement": named}, service, context))


def denied_to_role(
    role_arn: str, session: str, action: str, resources: tuple[str, ...], keys: Mapping[str, str] | None = None
) -> str:
    """Check whether a role's policies allow an action; return the denial's text, empty when it is allowed.

    Args:
        role_arn: the role.
        session: the name of the session that a service gives itself.
        action: e.g. ``lambda:InvokeFunction``.
        resources: the ARNs of the resources; each must be allowed.
        keys: the service's own condition keys, in lower case; default none.

    """
    name = role_arn.rpartition("/")[2]
    principal = f"arn:aws:sts::{emulator.account()}:assumed-role/{name}/{session}"
    policies = iam_evaluator._gather_role_policies(name, emulator.account())
    limits = iam_evaluator._permissions_boundary(iam._roles, name, emulator.account())
    for resource in resources:
        context = _context(principal, "AssumedRole", action, resource, dict(keys or {}))
        if iam_evaluator.evaluate(context, policies, *limits).decision != "Allow":
            return (
                f"User: {principal} is not authorized to perform: {action} on resource: {resource} because no "
                f"identity-based policy allows the {action} action"
            )
    return ""


def session_of(role_arn: str, name: str) -> dict[str, str]:
    """Return credentials of a role as a client's environment variables.

    Args:
        role_arn: an existing role.
        name: of the session.

    """
    function = f"arn:aws:lambda:{emulator.region()}:{emulator.account()}:function:{name}"
    credentials: dict[str, str] = lambda_runtime.execution_credentials(
        {"Role": role_arn, "FunctionArn": function, "FunctionName": name}
    )
    return credentials


def add_condition_keys() -> None:
    """Give policies the condition key ``cloudformation:RoleArn``, which MiniStack does not have."""
    original = iam_actions.request_tag_context

    def context(service: str, action: str, body: bytes, parameters: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = original(service, action, body, parameters)
        if service == "cloudformation":
            role = parse_qs(body.decode("utf-8", "replace")).get("RoleARN")
            found = {**found, "cloudformation:RoleArn": role[0] if role else None}
        return found

    iam_actions.request_tag_context = context


def _role(role_arn: str) -> dict[str, Any] | None:
    role: dict[str, Any] | None = iam._roles.get(role_arn.rpartition("/")[2])
    return role if role and role.get("Arn") == role_arn else None


def _context(principal: str, kind: str, action: str, resource: str, keys: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's own
    return iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type=kind,
        principal_account=emulator.account(),
        action=action,
        resource_arn=resource,
        region=emulator.region(),
        service_context=keys,
    )
