"""Calls the target of a schedule, as the role of its target. One of the modules that use MiniStack's private names."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from ministack.core import responses
from ministack.services import lambda_svc

from local_aws.server import cloudwatch, permissions
from local_aws.server.scheduling.due import Schedule

PRINCIPAL: Final = "scheduler.amazonaws.com"
_LOG = logging.getLogger("local_aws.schedules")
_MOST_RETRIES: Final = 185
_MOST_AGE_SECONDS: Final = 86_400
# On AWS the waits grow to minutes; the number of attempts is the schedule's own.
_FIRST_WAIT_SECONDS: Final = 0.2
_LONGEST_WAIT_SECONDS: Final = 30.0


class _RefusedError(Exception):
    """The target was not called, and another attempt may do."""


@dataclass(frozen=True)
class Invocation:
    """One occurrence of a schedule.

    Attributes:
        schedule: the schedule as it was when it became due.
        moment: when it became due, in seconds since 1970.
        account: its account.
        region: its region.
        execution: the id of this execution.

    """

    schedule: Schedule
    moment: float
    account: str
    region: str
    execution: str = field(default_factory=lambda: str(uuid.uuid4()))

    def run(self) -> None:
        """Call the target; try again on a thread of its own where the target asks for it and the policy allows it."""
        responses.set_request_account_id(self.account)
        responses.set_request_region(self.region)
        if self._attempt(1):
            threading.Thread(target=copy_context().run, args=(self._try_again,), daemon=True).start()

    def _try_again(self) -> None:
        policy = self.schedule["Target"].get("RetryPolicy") or {}
        until = time.monotonic() + policy.get("MaximumEventAgeInSeconds", _MOST_AGE_SECONDS)
        wait = _FIRST_WAIT_SECONDS
        for retry in range(policy.get("MaximumRetryAttempts", _MOST_RETRIES)):
            if time.monotonic() + wait > until:
                break
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
            if not self._attempt(retry + 2):
                return
        self._count("InvocationDroppedCount")

    def _attempt(self, number: int) -> bool:
        """Call the target; return whether another attempt may succeed."""
        self._count("InvocationAttemptCount")
        try:
            self._call(number)
        except _RefusedError as error:
            self._failed(number, error)
            return True
        except Exception as error:  # noqa: BLE001 - whatever a target raises is the target's error
            self._failed(number, error)
            self._count("InvocationDroppedCount")
        return False

    def _failed(self, number: int, error: Exception) -> None:
        self._count("TargetErrorCount")
        _LOG.warning("%s, attempt %d: %s", self.schedule["Arn"], number, error)

    def _count(self, metric: str) -> None:
        group = {"ScheduleGroup": self.schedule["GroupName"]}
        cloudwatch.record_metric("AWS/Scheduler", metric, 1, "Count", group)

    def _call(self, attempt: int) -> None:
        target = self.schedule["Target"]
        group = self.schedule["Arn"].replace(":schedule/", ":schedule-group/").rpartition("/")[0]
        if not permissions.trusts(target["RoleArn"], PRINCIPAL, group):
            raise PermissionError(f"{PRINCIPAL} is not authorized to assume {target['RoleArn']}")
        text = self._input(target.get("Input"), attempt)
        (_invoke_function if ":lambda:" in target["Arn"] else _call_operation)(target, text)

    def _input(self, text: str | None, attempt: int) -> str:
        """Return the input with its context attributes, or the event that Scheduler sends without an input.

        Source: docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html.
        """
        due = datetime.fromtimestamp(self.moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if text is None:
            return json.dumps(
                {
                    "version": "0",
                    "id": self.execution,
                    "detail-type": "Scheduled Event",
                    "source": "aws.scheduler",
                    "account": self.account,
                    "time": due,
                    "region": self.region,
                    "resources": [self.schedule["Arn"]],
                    "detail": "{}",
                }
            )
        values = {
            "scheduled-time": due,
            "schedule-arn": self.schedule["Arn"],
            "attempt-number": str(attempt),
            "execution-id": self.execution,
        }
        for name, value in values.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text


def _invoke_function(target: Mapping[str, Any], text: str) -> None:
    """Put an event into a function's queue, as an asynchronous invocation by the role."""
    arn = target["Arn"]
    if denied := permissions.denied_to_role(target["RoleArn"], "scheduler", "lambda:InvokeFunction", (arn,)):
        raise PermissionError(denied)
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        raise LookupError(f"Function not found: {name}")
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), json.loads(text))


def _call_operation(target: Mapping[str, Any], text: str) -> None:
    """Call any operation with the role's credentials, e.g. ``arn:aws:scheduler:::aws-sdk:sqs:sendMessage``."""
    import boto3  # takes half a second: only for those who use it
    from botocore import xform_name
    from botocore.exceptions import ClientError

    keys = permissions.session_of(target["RoleArn"], "scheduler")
    *_, service, operation = target["Arn"].split(":")
    client = boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        region_name=responses.get_region(),
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys["AWS_SESSION_TOKEN"],
    )
    try:
        getattr(client, xform_name(operation))(**json.loads(text))
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500 or "Throttl" in str(error) or "TooManyRequests" in str(error):
            raise _RefusedError(str(error)) from None
        raise
