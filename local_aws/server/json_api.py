"""A service of AWS's JSON protocol: routing, permissions, validation by the service's model, errors."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from local_aws.server import emulator
from local_aws.server.emulator import Response
from local_aws.server.errors import AwsError
from local_aws.server.request_validation import check, operations, signing_name

Request: TypeAlias = dict[str, Any]
Answer: TypeAlias = dict[str, Any]
Operations: TypeAlias = Mapping[str, Callable[[Request], Answer]]

_TYPE = "application/x-amz-json-1.1"


class JsonApi:
    """Answers the implemented operations of a service, and refuses the others by name.

    Args:
        service: the service's name in botocore.
        target: the part of ``X-Amz-Target`` before the dot.
        implemented: the implemented operations.
        resource_of: returns the ARN of a request's resource, for IAM policies; default ``*``.

    Attributes:
        lock: held while an operation is carried out.

    """

    def __init__(
        self, service: str, target: str, implemented: Operations, resource_of: Callable[[Request], str] = lambda _: "*"
    ) -> None:
        self._service = service
        self._target = target
        self._implemented = implemented
        self._resource_of = resource_of
        self._iam = signing_name(service)
        self.lock = threading.RLock()

    def call(self, operation: str, request: Request) -> Answer:
        """Carry out one operation, one at a time.

        Raises:
            AwsError: the error that the service would return.

        """
        check(self._service, operation, request)
        with self.lock:
            return self._implemented[operation](request)

    def answers(self, headers: Mapping[str, str]) -> bool:
        """Return whether a request is in this protocol."""
        return headers.get("x-amz-target", "").startswith(f"{self._target}.")

    def answer(self, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        """Answer one request."""
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            if operation not in operations(self._service):
                raise AwsError("UnknownOperationException", f"{self._service} has no operation {operation!r}.")
            request = json.loads(body or b"{}")
            action = f"{self._iam}:{operation}"
            if denied := emulator.denial(action, self._resource_of(request), headers, query):
                return denied
            if operation not in self._implemented:
                message = f"The local cloud does not answer {self._service}'s {operation}: see docs/local-cloud.md."
                raise AwsError("NotImplementedByLocalCloud", message, status=501)
            answer = self.call(operation, request)
        except AwsError as error:
            content = {"__type": error.code, "message": error.message}
            return error.status, {"Content-Type": _TYPE}, json.dumps(content).encode()
        return 200, {"Content-Type": _TYPE}, json.dumps(answer).encode()
