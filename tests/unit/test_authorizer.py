"""The authorizer passes a bearer token on, and says nothing of it."""

from typing import Any

import pytest

from authorizer.handler import handler

METHOD = "arn:aws:execute-api:us-east-1:111122223333:abcdef1234/live/POST/v2/chat"
KEY = "k3y" * 12


@pytest.mark.parametrize("token", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER  {KEY} "])
def test_the_token_is_the_usage_plans_key(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = handler({"type": "TOKEN", "authorizationToken": token, "methodArn": METHOD}, None)
    assert answer["usageIdentifierKey"] == KEY
    # The answer is kept for all methods of the stage, and of this one only.
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": "arn:aws:execute-api:us-east-1:111122223333:abcdef1234/live/*",
    }
    # The principal and the context reach the proxy and access logs.
    assert KEY not in str({name: value for name, value in answer.items() if name != "usageIdentifierKey"})
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer ", f"Basic {KEY}", KEY, None])
def test_anything_else_is_refused_with_the_one_message_that_api_gateway_answers_with_401(token: Any) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$") as caught:
        handler({"authorizationToken": token, "methodArn": METHOD}, None)
    assert KEY not in repr(caught.value)
