"""What is deployed already, and may be in the way: stacks, an endpoint of the same name, and e-mail addresses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from botocore.exceptions import ClientError

from endpointctl.doctor.account import Account
from endpointctl.doctor.finding import Finding, ok, unknown, wrong
from stacks.names import stack_name

_WAITERS: Final = (
    ("UPDATE_ROLLBACK_", "stack-rollback-complete"),
    ("UPDATE_", "stack-update-complete"),
    ("CREATE_", "stack-create-complete"),
    ("DELETE_", "stack-delete-complete"),
    ("IMPORT_ROLLBACK_", "stack-rollback-complete"),
    ("IMPORT_", "stack-import-complete"),
)
_LEAVING: Final = {
    "CREATE_FAILED": "rollback-stack",
    "UPDATE_FAILED": "rollback-stack",
    "UPDATE_ROLLBACK_FAILED": "continue-update-rollback",
    "ROLLBACK_FAILED": "delete-stack",
    "DELETE_FAILED": "delete-stack",
}


def state_of(kind: str) -> partial[Iterator[Finding]]:
    """Return the check of one stack's state."""
    return partial(_state, kind=kind)


def _state(account: Account, kind: str) -> Iterator[Finding]:
    if kind not in account.settings.stacks:
        return
    name, stack = stack_name(account.environment, kind), account.stack(kind)
    if stack is None:
        yield ok(f"{name} is not deployed yet")
        return
    status, at = stack["StackStatus"], f"--stack-name {name} --region {account.region}"
    events = f"`aws cloudformation describe-stack-events {at}`"
    if status == "REVIEW_IN_PROGRESS":
        yield ok(f"{name}: {status}: nothing of it is deployed yet")
    elif status.endswith("_IN_PROGRESS"):
        waiter = next((waiter for start, waiter in _WAITERS if status.startswith(start)), None)
        fix = f"`aws cloudformation wait {waiter} {at}`" if waiter else f"wait until it is ROLLBACK_COMPLETE: {events}"
        yield wrong(f"{name} is {status}: CloudFormation refuses another change until that has ended", fix)
    elif status == "ROLLBACK_COMPLETE" and stack.get("EnableTerminationProtection"):
        yield wrong(
            f"{name} is {status}: its first deployment failed, and its termination protection keeps the CDK from "
            "deleting it",
            f"`aws cloudformation update-termination-protection --no-enable-termination-protection {at}`",
        )
    elif status == "ROLLBACK_COMPLETE":
        yield ok(f"{name}: {status}: its first deployment failed; the next one deletes it and creates it anew")
    elif status.endswith("_FAILED"):
        command = _LEAVING.get(status)
        leave = f"; then `aws cloudformation {command} {at}`" if command else ""
        yield wrong(f"{name} is {status}", f"remove the cause that its events name: {events}{leave}")
    else:
        yield ok(f"{name}: {status}")


def endpoint_name(account: Account) -> Iterator[Finding]:
    """Check that an endpoint of the environment's name is the stack's, and that the stack's endpoint is there."""
    name, stack = account.settings.endpoint.name, stack_name(account.environment, "endpoint")
    if ((account.stack("endpoint") or {}).get("StackStatus") or "").endswith("_IN_PROGRESS"):
        yield unknown(f"{stack} is changing at this moment")
        return
    owned = [one.rpartition("/")[2] for one in account.resources("endpoint", "AWS::SageMaker::Endpoint")]
    exists = _exists(account, name)
    if exists and name not in owned:
        yield wrong(
            f"the endpoint {name} exists, and is not the one of the stack {stack}",
            f"choose another endpoint.name in {account.file}; or, if nobody needs it, `aws sagemaker delete-endpoint "
            f"--endpoint-name {name} --region {account.region}`",
        )
    elif name in owned and not exists:
        yield wrong(
            f"the endpoint {name} of the stack {stack} was deleted by hand",
            f"`make deploy ENV={account.environment} DOCTOR=no ARGS=--revert-drift`",
        )
    else:
        yield ok(f"the endpoint {name} is the stack's" if exists else f"no endpoint has the name {name} yet")


def _exists(account: Account, name: str) -> bool:
    try:
        account.call("sagemaker", "describe_endpoint", EndpointName=name)
    except ClientError as error:
        if "Could not find" in str(error):
            return False
        raise
    return True


def alarm_email(account: Account) -> Iterator[Finding]:
    """Check that somebody has confirmed to get the alarms."""
    alarms, stack = account.settings.alarms, stack_name(account.environment, "operations")
    if alarms is None:
        return
    topics = [alarms.topic_arn] if alarms.topic_arn else account.resources("operations", "AWS::SNS::Topic")
    if not topics:
        yield unknown(f"the stack {stack} has no topic yet: it is not deployed, or not as a whole")
        return
    for topic in topics:
        pages = account.pages("sns", "list_subscriptions_by_topic", TopicArn=topic)
        found = [one for page in pages for one in page["Subscriptions"]]
        waiting = sorted({one["Endpoint"] for one in found if one["SubscriptionArn"] == "PendingConfirmation"})
        if waiting:
            yield wrong(
                f"{', '.join(waiting)}: the subscription to {topic} is not confirmed: nobody gets the alarms",
                "open the link in AWS's e-mail; if it is older than two days, subscribe again: `aws sns subscribe "
                f"--region {account.region} --topic-arn {topic} --protocol email --notification-endpoint {waiting[0]}`",
            )
        elif not found:
            yield wrong(
                f"{topic} has no subscription: nobody gets the alarms",
                f"`aws sns subscribe --region {account.region} --topic-arn {topic} --protocol email "
                f"--notification-endpoint {alarms.email or 'ADDRESS'}`",
            )
        else:
            yield ok(f"{len(found)} confirmed to get the alarms of {topic}")
