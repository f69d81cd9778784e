"""Names the IAM actions of requests to Lambda that MiniStack takes for others, or allows without asking.

One of the modules that use MiniStack's private names.
"""

from __future__ import annotations

from ministack.core import iam_actions

_CONCURRENCY = {"GET": "GetFunctionConcurrency", "DELETE": "DeleteFunctionConcurrency"}


def complete() -> None:
    """Ask IAM for the concurrency of a function, and for the account's limits, by their own actions."""
    original = iam_actions._lambda_action

    def action(method: str, path: str) -> str | None:
        last = path.rstrip("/").rpartition("/")[2]
        if last == "account-settings":
            return "GetAccountSettings"
        if last == "concurrency" and method in _CONCURRENCY:
            return _CONCURRENCY[method]
        found: str | None = original(method, path)
        return found

    iam_actions._lambda_action = action
