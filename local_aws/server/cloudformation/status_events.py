"""The event "CloudFormation Stack Status Change" on the default bus.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html. One of the modules
that use MiniStack's private names.
"""

from __future__ import annotations

import json
import threading
import uuid
from contextvars import copy_context

from ministack.services import eventbridge

from local_aws.server import emulator


def send(stack_id: str, status: str, reason: str) -> None:
    """Send the event where there is a rule that may match it.

    Args:
        stack_id: the stack's ARN.
        status: its new status.
        reason: why; empty when there is none.

    """
    if not eventbridge._rules._data:
        return
    detail = {"stack-id": stack_id, "status-details": {"status": status, "status-reason": reason}}
    event = {
        "EventId": str(uuid.uuid4()),
        "Source": "aws.cloudformation",
        "DetailType": "CloudFormation Stack Status Change",
        "Detail": json.dumps(detail),
        "EventBusName": "default",
        "Time": eventbridge._now_ts(),
        "Resources": [stack_id],
        "Account": emulator.account(),
        "Region": emulator.region(),
    }
    # A target may take its time, and an operation does not wait for it.
    threading.Thread(target=copy_context().run, args=(eventbridge._dispatch_event, event), daemon=True).start()
