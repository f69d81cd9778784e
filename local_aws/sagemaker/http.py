"""SageMaker on the wire: the control plane's JSON protocol and the runtime's REST, behind one signing name."""

from __future__ import annotations

import asyncio
import json
import random
import re
import uuid
from typing import Any
from urllib.parse import unquote

from local_aws import emulator
from local_aws.conditions import ConditionsFile
from local_aws.container import Container
from local_aws.emulator import Response
from local_aws.sagemaker.endpoint import Endpoint
from local_aws.sagemaker.errors import SageMakerError
from local_aws.sagemaker.faults import Faults
from local_aws.sagemaker.service import SageMaker, not_built
from local_aws.sagemaker.shapes import operations

_INVOCATIONS = re.compile(r"/endpoints/(?P<name>[^/]+)/invocations")
# botocore's sagemaker-runtime model: InvokeEndpointInput$Body is at most 6291456 bytes.
MAX_BODY_BYTES = 6_291_456
_NAMED_BY = (("EndpointName", "endpoint"), ("EndpointConfigName", "endpoint-config"), ("ModelName", "model"))


class Frontend:
    """Answers the requests that are signed for ``sagemaker``.

    Args:
        sagemaker: the control plane.
        container: what answers behind every endpoint.
        conditions: the faults that are wanted.

    """

    def __init__(self, sagemaker: SageMaker, container: Container, conditions: ConditionsFile) -> None:
        self._sagemaker = sagemaker
        self._container = container
        self._faults = Faults(conditions)

    async def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """Route one request to the control plane or to the runtime."""
        target = headers.get("x-amz-target", "")
        if target.startswith("SageMaker."):
            return self._control(target.partition(".")[2], headers, body, query)
        invocation = _INVOCATIONS.fullmatch(path)
        if invocation and method == "POST":
            return await self._invoke(unquote(invocation["name"]), headers, body, query)
        return _runtime_error(SageMakerError("UnknownOperationException", f"No such operation: {method} {path}"))

    def _control(self, operation: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        try:
            if operation not in operations():
                raise SageMakerError("UnknownOperationException", f"SageMaker has no operation {operation}.")
            request = json.loads(body or b"{}")
            if denied := emulator.denial(f"sagemaker:{operation}", self._resource(request), headers, query):
                return denied
            if operation not in self._sagemaker.operations:
                raise not_built(operation)
            answer = self._sagemaker.call(operation, request)
        except SageMakerError as error:
            content = {"__type": error.code, "message": error.message}
            return error.status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()

    def _resource(self, request: dict[str, Any]) -> str:
        """Return the ARN that a policy has to name for this request."""
        if "ResourceArn" in request:
            return str(request["ResourceArn"])
        return next((self._sagemaker.arn(kind, request[key]) for key, kind in _NAMED_BY if key in request), "*")

    async def _invoke(self, name: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        try:
            if denied := emulator.denial(
                "sagemaker:InvokeEndpoint", self._sagemaker.arn("endpoint", name), headers, query
            ):
                return denied
            variant = self._variant(name, headers.get("x-amzn-sagemaker-target-variant"))
            if len(body) > MAX_BODY_BYTES:
                raise _refusal(f"Body is too long: at most {MAX_BODY_BYTES} bytes.")
            if fault := self._faults.next_for(name):
                await _fail(name, fault)
            content_type = headers.get("content-type", "application/octet-stream")
            api = self._sagemaker.api_of(name, variant)
            status, answer_type, answer = await asyncio.to_thread(self._container.handle, body, content_type, api)
            if status != 200:
                raise _model_error(name, status, answer)
        except SageMakerError as error:
            return _runtime_error(error)
        return 200, {"Content-Type": answer_type, "x-Amzn-Invoked-Production-Variant": variant}, answer

    def _variant(self, name: str, wanted: str | None) -> str:
        """Choose the variant that answers: the one asked for, else one by weight."""
        missing = _refusal(f"Endpoint {name} of account {emulator.account()} not found.")
        try:
            endpoint: Endpoint = self._sagemaker.endpoint(name)
        except SageMakerError:
            raise missing from None
        # The name's case must match at invocation (botocore: CreateEndpointInput$EndpointName).
        serving = endpoint.serving
        if endpoint.name != name or not serving:
            raise missing
        weights = {str(v["VariantName"]): float(v["InitialVariantWeight"]) for v in serving.variants}
        if wanted is None:
            return random.choices(list(weights), list(weights.values()))[0]  # noqa: S311 - routing, no secret
        if wanted not in weights:
            raise _refusal(f"Variant {wanted} not found for Request")
        return wanted


def _refusal(message: str) -> SageMakerError:
    return SageMakerError("ValidationError", message)


# Status by error; botocore's model of sagemaker-runtime. Throttling has no message of its own there.
_STATUS = {
    "ThrottlingException": 400,
    "ModelNotReadyException": 429,
    "InternalFailure": 500,
    "ServiceUnavailable": 503,
    "InternalDependencyException": 530,
}
_SLOW_SECONDS = 70.0
# Wording from amazon-sagemaker-examples#799; the container's status is then 0.
_TIMED_OUT = "Your invocation timed out while waiting for a response from container primary. Review the latency metrics"


async def _fail(name: str, fault: str) -> None:
    """Raise a fault; only ``Slow`` returns, after longer than any caller should wait."""
    if fault == "Slow":
        await asyncio.sleep(_SLOW_SECONDS)
    elif fault == "ModelErrorTimeout":
        raise _model_error(name, 0, _TIMED_OUT.encode())
    elif fault.startswith("ModelError"):
        raise _model_error(name, int(fault.removeprefix("ModelError")), b'{"message": "a fault on demand"}')
    else:
        raise SageMakerError(fault, "", status=_STATUS[fault])


def _model_error(name: str, status: int, answer: bytes) -> SageMakerError:
    """Wrap the container's error as the runtime does; the text holds the account and a log link, as on AWS."""
    region, original = emulator.region(), answer.decode()
    side = "client" if 400 <= status < 500 else "server"
    message = (
        f'Received {side} error ({status}) from primary with message "{original}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group=/aws/sagemaker/"
        f"Endpoints/{name} in account {emulator.account()} for more information."
    )
    log_stream = f"arn:aws:logs:{region}:{emulator.account()}:log-group:/aws/sagemaker/Endpoints/{name}"
    fields = {"OriginalStatusCode": status, "OriginalMessage": original, "LogStreamArn": log_stream}
    return SageMakerError("ModelError", message, status=424, fields=fields)


def _runtime_error(error: SageMakerError) -> Response:
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": error.code,
        "x-amzn-RequestId": str(uuid.uuid4()),
    }
    return error.status, headers, json.dumps({"Message": error.message, **error.fields}).encode()
