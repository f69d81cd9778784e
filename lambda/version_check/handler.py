"""A CloudFormation custom resource that fails when a new version of the proxy cannot answer.

It stands between the version and the alias: a version that crashes at its start fails the deployment, the stack goes
back, and callers have never seen it. The version is asked for ``GET /healthz``, which does not touch the model.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html (requests, responses).
"""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import boto3
from botocore.exceptions import ClientError

_REQUEST = {
    "version": "2.0",
    "rawPath": "/healthz",
    "headers": {},
    "requestContext": {"http": {"method": "GET", "path": "/healthz"}},
}
# In the first deployment the function's own permission and the version are seconds old, and IAM is told in the end.
# Under load the reserved concurrency may be in use, of which the new version has a share.
_NOT_YET = (
    "AccessDeniedException",
    "ResourceConflictException",
    "ResourceNotFoundException",
    "ResourceNotReadyException",
    "TooManyRequestsException",
)
_PAUSES = (1.0, 2.0, 4.0, 6.0)  # seconds
_LONGEST = 1000  # characters of a reason; the whole response may have 4096 bytes


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401, ARG001 - Lambda's own
    """Answer one request of CloudFormation's.

    Args:
        event: its ``ResourceProperties`` have ``Version``, the ARN of the version to ask.
        context: Lambda's context; unused.

    """
    try:
        problem = "" if event["RequestType"] == "Delete" else problem_with(event["ResourceProperties"]["Version"])
    except Exception as error:  # noqa: BLE001 - without an answer, CloudFormation would wait for its time-out
        problem = f"the check itself failed: {type(error).__name__}: {error}"
    _respond(event, problem)


def problem_with(version: str) -> str:
    """Invoke a version and return why it cannot serve; empty when it can."""
    answer = _invoke(version)
    said = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        told = said if isinstance(said, dict) else {}
        error = f"{told.get('errorType', 'an error')}: {told.get('errorMessage', 'without a message')}"
    elif not isinstance(said, dict) or said.get("statusCode") != 200:
        error = "it does not answer GET /healthz with 200"
    else:
        return ""
    return (
        f"the new version of the proxy cannot start: {error}. Callers keep the former version. Mend the code or its "
        "settings, or read the whole error in the function's log group, and deploy again"
    )


def _invoke(version: str) -> Any:  # noqa: ANN401 - boto3's
    client, payload = boto3.client("lambda"), json.dumps(_REQUEST).encode()
    for pause in _PAUSES:
        try:
            return client.invoke(FunctionName=version, Payload=payload)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_YET:
                raise
            time.sleep(pause)
    return client.invoke(FunctionName=version, Payload=payload)


def _respond(event: dict[str, Any], problem: str) -> None:
    body = {
        "Status": "FAILED" if problem else "SUCCESS",
        "Reason": problem[:_LONGEST] or "it answers",
        "PhysicalResourceId": event.get("PhysicalResourceId", event["LogicalResourceId"]),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    # Without a content type: the signed address covers none (the UserGuide's own examples send an empty one).
    headers, content = {"content-type": ""}, json.dumps(body).encode()
    request = urllib.request.Request(event["ResponseURL"], content, headers, method="PUT")  # noqa: S310
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - CloudFormation's own address
