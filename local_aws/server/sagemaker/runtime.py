"""The runtime: InvokeEndpoint and InvokeEndpointWithResponseStream, from the line of a fleet to its container."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from local_aws.conditions import Conditions, ConditionsFile
from local_aws.container import Container
from local_aws.server import emulator
from local_aws.server.emulator import Response
from local_aws.server.errors import AwsError
from local_aws.server.sagemaker import metrics as watching
from local_aws.server.sagemaker.endpoint import Endpoint
from local_aws.server.sagemaker.failures import SLOW_SECONDS, STREAM_FAULTS, before_the_model, in_the_model, model_error
from local_aws.server.sagemaker.faults import Faults
from local_aws.server.sagemaker.request_queue import Line
from local_aws.server.sagemaker.service import SageMaker

_PATH = re.compile(r"/endpoints/(?P<name>[^/]+)/invocations(?P<streamed>-response-stream)?")
# botocore's sagemaker-runtime model: InvokeEndpointInput$Body is at most 6291456 bytes.
MAX_BODY_BYTES = 6_291_456


@dataclass(frozen=True)
class _Invocation:
    """A request on its way: whom it is for, and when it came."""

    endpoint: str
    variant: str
    api: str
    package: str
    instances: int
    came: float
    fault: str | None
    conditions: Conditions

    @property
    def place(self) -> str:
        return f"{emulator.account()}/{emulator.region()}/{self.endpoint}/{self.variant}"


class Runtime:
    """Answers what is sent to endpoints.

    Args:
        sagemaker: the control plane, which knows the endpoints.
        container: what answers behind every endpoint.
        conditions: the faults that are wanted, and how much a fleet answers at once.

    """

    def __init__(self, sagemaker: SageMaker, container: Container, conditions: ConditionsFile) -> None:
        self._sagemaker = sagemaker
        self._container = container
        self._conditions = conditions
        self._faults = Faults(conditions)
        self._line = Line()
        # Seeded: by which variant a request is answered shall be the same in each run.
        self._weighted = random.Random(0)  # noqa: S311 - routing, no secret

    async def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """Answer one request."""
        matched = _PATH.fullmatch(path)
        if not matched or method != "POST":
            return _error(AwsError("UnknownOperationException", f"No such operation: {method} {path}", status=404))
        name, streamed = unquote(matched["name"]), bool(matched["streamed"])
        # AWS's documents disagree whether a stream needs the second action; who grants both is right either way.
        for action in ("InvokeEndpoint", "InvokeEndpointWithResponseStream")[: 1 + streamed]:
            arn = self._sagemaker.arn("endpoint", name)
            if denied := emulator.denial(f"sagemaker:{action}", arn, headers, query):
                return denied
        try:
            invocation = self._admit(name, headers, body)
            content_type = headers.get("content-type", "application/octet-stream")
            if streamed:
                return await self._stream(invocation, body, content_type)
            return await self._whole(invocation, body, content_type)
        except AwsError as error:
            return _error(error)

    def _admit(self, name: str, headers: dict[str, str], body: bytes) -> _Invocation:
        """Find out who answers; refuse what never reaches a container."""
        missing = _refusal(f"Endpoint {name} of account {emulator.account()} not found.")
        try:
            endpoint: Endpoint = self._sagemaker.endpoint(name)
        except AwsError:
            raise missing from None
        # The name's case must match at invocation (botocore: CreateEndpointInput$EndpointName).
        serving = endpoint.serving
        if endpoint.name != name or not serving:
            raise missing
        variants = {str(v["VariantName"]): v for v in serving.variants}
        wanted = headers.get("x-amzn-sagemaker-target-variant")
        if wanted is None:
            weights = [float(v["InitialVariantWeight"]) for v in serving.variants]
            wanted = self._weighted.choices(list(variants), weights)[0]
        elif wanted not in variants:
            raise _refusal(f"Variant {wanted} not found for Request")
        if len(body) > MAX_BODY_BYTES:
            raise _refusal(f"Body is too long: at most {MAX_BODY_BYTES} bytes.")
        fault = self._faults.next_for(name)
        before_the_model(fault)
        package = self._sagemaker.package_behind(serving, variants[wanted])
        return _Invocation(
            endpoint=name,
            variant=wanted,
            # What the catalogue does not know is taken for one of the oldest.
            api=package.api or "generate",
            package=package.name,
            instances=variants[wanted]["InitialInstanceCount"],
            came=time.monotonic(),
            fault=fault,
            conditions=self._conditions.now(),
        )

    @asynccontextmanager
    async def _at_work(self, invocation: _Invocation) -> AsyncIterator[None]:
        """Hold a place in the fleet for as long as the model works, and tell CloudWatch."""
        now, count = invocation.conditions, invocation.instances
        async with self._line.place(invocation.place, at_once=count * now.concurrency, waiting=count * now.queue):
            began, status = time.monotonic(), 200
            watching.began(invocation.endpoint, invocation.variant, self._line.running(invocation.place) / count)
            try:
                yield
            except AwsError as error:
                status = int(str(error.fields["OriginalStatusCode"]))
                raise
            except _Broken:
                status = 500
                raise
            finally:
                spent = watching.Spent(waiting=began - invocation.came, model=time.monotonic() - began)
                watching.ended(invocation.endpoint, invocation.variant, count, status, spent)

    async def _work(self, invocation: _Invocation) -> None:
        """Take the time that the model takes; raise what happens to it."""
        now = invocation.conditions
        seconds = SLOW_SECONDS if invocation.fault == "Slow" else now.answer_seconds
        await asyncio.sleep(min(seconds, now.response_limit_seconds))
        in_the_model(invocation.endpoint, invocation.fault, timed_out=seconds > now.response_limit_seconds)

    async def _whole(self, invocation: _Invocation, body: bytes, content_type: str) -> Response:
        async with self._at_work(invocation):
            await self._work(invocation)
            status, answer_type, answer = await asyncio.to_thread(
                self._container.handle, body, content_type, invocation.api, invocation.package
            )
            if status != 200:
                raise model_error(invocation.endpoint, status, answer)
        return 200, {"Content-Type": answer_type, "x-Amzn-Invoked-Production-Variant": invocation.variant}, answer

    async def _stream(self, invocation: _Invocation, body: bytes, content_type: str) -> Response:
        """Answer with event-stream frames. What is wrong before the first of them is an ordinary error."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._at_work(invocation))
            await self._work(invocation)
            status, answer_type, pieces = await asyncio.to_thread(
                self._container.stream, body, content_type, invocation.api, invocation.package
            )
            if status != 200:
                raise model_error(invocation.endpoint, status, b"".join(pieces))
            place = stack.pop_all()  # held until the last frame is sent

        async def frames() -> AsyncIterator[bytes]:
            try:
                async with place:
                    for piece in _broken_off(pieces, invocation.fault):
                        yield emulator.event("PayloadPart", piece)
                        await asyncio.sleep(0)
            except _Broken as broken:
                yield emulator.exception_event(broken.name, broken.content)

        headers = {
            "Content-Type": "application/vnd.amazon.eventstream",
            "X-Amzn-SageMaker-Content-Type": answer_type,
            "x-Amzn-Invoked-Production-Variant": invocation.variant,
        }
        return 200, headers, emulator.streamed(frames())


class _Broken(Exception):
    """A stream ends with an error event."""

    def __init__(self, name: str, **content: str) -> None:
        super().__init__(name)
        self.name = name
        self.content = json.dumps(content).encode()


def _broken_off(pieces: Iterator[bytes], fault: str | None) -> Iterator[bytes]:
    """Yield the pieces; after the first one, end with the fault that is wanted, as botocore's model names it."""
    for piece in pieces:
        yield piece
        if fault == "InternalStreamFailure":
            raise _Broken(fault, Message="")
        if fault in STREAM_FAULTS:
            raise _Broken("ModelStreamError", Message="a fault on demand", ErrorCode=str(fault))


def _refusal(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def _error(error: AwsError) -> Response:
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": error.code,
        "x-amzn-RequestId": str(uuid.uuid4()),
    }
    said = {"message": None} if error.message is None else {"Message": error.message}
    return error.status, headers, json.dumps({**said, **error.fields}).encode()
