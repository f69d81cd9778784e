"""Lets e-mail subscriptions wait for their confirmation, which MiniStack takes for granted.

One of the modules that use MiniStack's private names.
"""

from __future__ import annotations

from typing import Any, Final

from ministack.services import sns

_EMAIL: Final = ("email", "email-json")
_ASKED: Final = "asked"


def complete() -> None:
    """Let e-mail addresses wait for ConfirmSubscription, and show them so in a topic's list.

    The token, which AWS sends by e-mail, is the last part of the subscription's ARN.
    """
    listed, confirmed = sns._list_subscriptions_by_topic, sns._confirm_subscription

    def list_by_topic(params: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's response
        answer = listed(params)
        text = answer[2].decode()
        for arn in _waiting(params):
            text = text.replace(f"<SubscriptionArn>{arn}</", "<SubscriptionArn>PendingConfirmation</")
        return answer[0], answer[1], text.encode()

    def confirm(params: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's response
        _waiting(params)
        return confirmed(params)

    sns._list_subscriptions_by_topic, sns._confirm_subscription = list_by_topic, confirm


def _waiting(params: dict[str, Any]) -> list[str]:
    """Return the ARNs of a topic's subscriptions by e-mail that nobody has confirmed."""
    topic = sns._topics.get(sns._p(params, "TopicArn"))
    found = [one for one in topic["subscriptions"] if one["protocol"] in _EMAIL] if topic else []
    for one in found:
        if not one.get(_ASKED):
            one["token"], one["confirmed"], one[_ASKED] = one["arn"].rpartition(":")[2], False, True
            one["attributes"]["PendingConfirmation"] = "true"
    return [one["arn"] for one in found if not one["confirmed"]]
