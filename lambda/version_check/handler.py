"""A CloudFormation custom resource that fails when a new version of the proxy cannot start.

It stands between the version and the alias: a version that crashes at its start fails the deployment, the stack rolls
back, and no caller has reached it. The check is the proxy's health route, which does not call the model.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html (requests, responses).
"""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from proxy.routes.table import HEALTH

_HTTP: Final = {"method": HEALTH.method, "path": HEALTH.path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}
# A whole event of a Function URL: the Lambda Web Adapter takes what it cannot read for no HTTP request.
_REQUEST: Final = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": HEALTH.path,
    "rawQueryString": "",
    "headers": {},
    "requestContext": {"http": _HTTP, "routeKey": "$default", "stage": "$default", "timeEpoch": 0},
    "isBase64Encoded": False,
}
_END_OF_PRELUDE: Final = b"\0" * 8
# In a first deployment the function's own permission and the version are seconds old, and IAM is eventually consistent.
# A version with SnapStart is not ready before its snapshot is.
_NOT_YET: Final = (
    "AccessDeniedException",
    "ResourceConflictException",
    "ResourceNotFoundException",
    "ResourceNotReadyException",
    "SnapStartNotReadyException",
    "SnapStartTimeoutException",
)
_THROTTLED: Final = "TooManyRequestsException"
_ATTEMPTS: Final = {"SnapStartNotReadyException": 30}
_DEFAULT_ATTEMPTS: Final = 5
_LONGEST_PAUSE: Final = 6.0  # seconds
_LONGEST: Final = 1000  # characters of a reason; the whole response may have 4096 bytes


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401, ARG001 - Lambda's own
    """Answer one request of CloudFormation's.

    Args:
        event: its ``ResourceProperties`` have ``Version``, the ARN of the version to check.
        context: Lambda's context; unused.

    """
    try:
        problem = problem_with(event["ResourceProperties"]["Version"]) if needs_check(event) else ""
    except Exception as error:  # noqa: BLE001 - without a response, CloudFormation would wait for its time-out
        problem = f"the check itself failed: {type(error).__name__}: {error}"
    _respond(event, problem)


def needs_check(event: dict[str, Any]) -> bool:
    """Return whether the version is a new one.

    A rollback goes back to an earlier version, which was checked when it was new. To check it again could only make the
    rollback fail.
    """
    if event["RequestType"] == "Delete":
        return False
    new = str(event["ResourceProperties"]["Version"])
    old = str(event.get("OldResourceProperties", {}).get("Version", ""))
    (new_function, new_number), (old_function, old_number) = (one.rsplit(":", 1) for one in (new, old or ":"))
    if new_function != old_function or not (new_number.isdigit() and old_number.isdigit()):
        return True
    return int(new_number) > int(old_number)


def problem_with(version: str) -> str:
    """Invoke a version and return why it cannot serve; empty when it can, or when nobody can tell.

    A throttle says nothing about the version: under load the reserved concurrency may be in use, of which the new
    version has a share. The deployment goes on, with a warning in the log.
    """
    try:
        response = _invoke(version)
    except ClientError as error:
        if error.response["Error"]["Code"] != _THROTTLED:
            raise
        print(json.dumps({"level": "WARNING", "message": "not checked: the function is throttled", "version": version}))
        return ""
    payload = _payload(response["Payload"].read())
    if "FunctionError" in response:
        details = payload if isinstance(payload, dict) else {}
        error_text = f"{details.get('errorType', 'an error')}: {details.get('errorMessage', 'without a message')}"
    elif not isinstance(payload, dict) or payload.get("statusCode") != 200:
        error_text = f"it does not answer {HEALTH.method} {HEALTH.path} with 200"
    else:
        return ""
    return (
        f"the new version of the proxy cannot start: {error_text}. Callers keep the former version. Correct the code "
        "or its settings (the function's log group has the whole error), and deploy again"
    )


def _payload(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return what a function answered: the whole, or of a function that streams, the JSON in front of the body.

    Source: docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html (the format).
    """
    try:
        return json.loads(content.partition(_END_OF_PRELUDE)[0])
    except ValueError:
        return None


def _invoke(version: str) -> Any:  # noqa: ANN401 - boto3's
    client, payload = boto3.client("lambda"), json.dumps(_REQUEST).encode()
    attempt = 0
    while True:
        attempt += 1
        try:
            return client.invoke(FunctionName=version, Payload=payload)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            most = _ATTEMPTS.get(code, _DEFAULT_ATTEMPTS)
            if code not in (*_NOT_YET, _THROTTLED) or attempt >= most:
                raise
            time.sleep(min(2.0 ** (attempt - 1), _LONGEST_PAUSE))


def _respond(event: dict[str, Any], problem: str) -> None:
    body = {
        "Status": "FAILED" if problem else "SUCCESS",
        "Reason": problem[:_LONGEST] or "checked",
        "PhysicalResourceId": event.get("PhysicalResourceId", event["LogicalResourceId"]),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    # Without a content type: the signed address covers none (the UserGuide's own examples send an empty one).
    headers, content = {"content-type": ""}, json.dumps(body).encode()
    request = urllib.request.Request(event["ResponseURL"], content, headers, method="PUT")  # noqa: S310
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - CloudFormation's own address
