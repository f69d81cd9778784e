"""The group in a schedule's ARN, for policies: MiniStack takes every schedule for one of the default group.

Source: docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions


def complete() -> None:
    """Let policies be checked against the ARN with the request's own group."""
    original = iam_actions.extract_resource_arn

    def extract(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        arn = str(original(service, method, path, headers, body, query_params, region, account_id))
        if service == "scheduler" and ":schedule/default/" in arn:
            return arn.replace(":schedule/default/", f":schedule/{_group(body, query_params)}/")
        return arn

    iam_actions.extract_resource_arn = extract


def _group(body: bytes, query: dict[str, Any]) -> str:
    found = query.get("groupName")
    if found:
        return str(found[0] if isinstance(found, list) else found)
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        return "default"
    return str(content.get("GroupName") or "default") if isinstance(content, dict) else "default"
