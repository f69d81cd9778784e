"""What is asked of AWS before a deployment."""

from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from endpointctl.aws import Aws


def given(monkeypatch: pytest.MonkeyPatch, **responses: Any) -> None:
    """Let AWS return a response of each operation, or raise it."""

    def call(_client: Any, operation: str, _arguments: Any) -> Any:
        found = responses[operation]
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(BaseClient, "_make_api_call", call)


def limit(unreserved: int) -> Any:
    return {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": unreserved}}


STACK = {"Stacks": [{"Outputs": [{"OutputKey": "FunctionName", "OutputValue": "f"}]}]}
NO_STACK = ClientError({"Error": {"Code": "ValidationError", "Message": "Stack x does not exist"}}, "DescribeStacks")
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "x")


@pytest.mark.parametrize(
    ("unreserved", "stack", "own", "room"),
    [
        (132, NO_STACK, {}, True),
        (131, NO_STACK, {}, False),  # others have reserved the rest of the account's 1000
        (115, STACK, {"ReservedConcurrentExecutions": 17}, True),  # what the function has now is free again
        (114, STACK, {"ReservedConcurrentExecutions": 17}, False),
        (131, STACK, {}, False),
        (0, DENIED, {}, True),
        (0, STACK, DENIED, True),
    ],
)
def test_100_of_the_accounts_concurrency_stay_unreserved(
    monkeypatch: pytest.MonkeyPatch, unreserved: int, stack: Any, own: Any, room: bool
) -> None:
    given(monkeypatch, GetAccountSettings=limit(unreserved), DescribeStacks=stack, GetFunctionConcurrency=own)
    assert Aws("us-east-1").has_room_for(32, "dev") is room
