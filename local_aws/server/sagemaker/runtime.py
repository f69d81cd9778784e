"""The runtime: InvokeEndpoint and InvokeEndpointWithResponseStream, from the queue of a variant to its container."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

from local_aws.conditions import Conditions, ConditionsFile
from local_aws.container import SERVER_SENT, Container
from local_aws.faults import FaultKind
from local_aws.invocation_log import InvocationLog, State
from local_aws.server import emulator, event_stream
from local_aws.server.emulator import Response
from local_aws.server.errors import AwsError
from local_aws.server.request_validation import longest
from local_aws.server.sagemaker import failures, metrics, stream_parts
from local_aws.server.sagemaker.endpoint import Endpoint
from local_aws.server.sagemaker.fault_selection import FaultSelector
from local_aws.server.sagemaker.request_queue import RequestQueue
from local_aws.server.sagemaker.resource_store import arn
from local_aws.server.sagemaker.service import SageMaker
from local_aws.server.sagemaker.spoiled_answers import spoiled
from local_aws.server.sagemaker.stream_parts import StreamError
from sagemaker_llm import ModelPackage

_PATH = re.compile(r"/endpoints/(?P<name>[^/]+)/invocations(?P<streamed>-response-stream)?")


@dataclass(frozen=True)
class _Invocation:
    """A request that an endpoint accepted: its variant, and when it arrived."""

    endpoint: str
    variant: str
    api: str
    package: str
    instances: int
    arrived: float
    streamed: bool
    fault: FaultKind | None
    conditions: Conditions

    @property
    def queue_name(self) -> str:
        return f"{emulator.account()}/{emulator.region()}/{self.endpoint}/{self.variant}"


class Runtime:
    """Answers what is sent to endpoints.

    Args:
        sagemaker: the control plane, which has the endpoints.
        container: the container of every endpoint.
        conditions: the faults, the containers' APIs, and the concurrency of an instance.
        declared_apis: the containers' APIs by the settings of the deployed environment.
        log: records the requests that reach a container.

    """

    def __init__(
        self,
        sagemaker: SageMaker,
        container: Container,
        conditions: ConditionsFile,
        declared_apis: ConditionsFile,
        log: InvocationLog,
    ) -> None:
        self._sagemaker = sagemaker
        self._container = container
        self._conditions = conditions
        self._declared_apis = declared_apis
        self._log = log
        self._faults = FaultSelector(conditions)
        self._queue = RequestQueue()
        # With a seed, each run routes the same requests to the same variants.
        self._routing = random.Random(0)  # noqa: S311 - no secret

    async def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """Answer one request."""
        matched = _PATH.fullmatch(path)
        if not matched or method != "POST":
            return _error(AwsError("UnknownOperationException", f"No such operation: {method} {path}", status=404))
        name, streamed = unquote(matched["name"]), bool(matched["streamed"])
        # AWS's documents disagree whether a stream needs the second action, so both are required here.
        for action in ("InvokeEndpoint", "InvokeEndpointWithResponseStream")[: 1 + streamed]:
            if denied := emulator.denial(f"sagemaker:{action}", arn("endpoint", name), headers, query):
                return denied
        try:
            invocation = self._accept(name, headers, body, streamed=streamed)
            content_type = headers.get("content-type", "application/octet-stream")
            if streamed:
                return await self._stream(invocation, body, content_type)
            return await self._whole(invocation, body, content_type)
        except AwsError as error:
            return _error(error)

    def _accept(self, name: str, headers: dict[str, str], body: bytes, *, streamed: bool) -> _Invocation:
        """Choose the variant that answers; refuse what never reaches a container."""
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
        target = headers.get("x-amzn-sagemaker-target-variant")
        if target is None:
            weights = [float(v["InitialVariantWeight"]) for v in serving.variants]
            target = self._routing.choices(list(variants), weights)[0]
        elif target not in variants:
            raise _refusal(f"Variant {target} not found for Request")
        if len(body) > (limit := longest("sagemaker-runtime", "InvokeEndpoint", "Body")):
            raise _refusal(f"Body is too long: at most {limit} bytes.")
        fault, conditions = self._faults.next_for(name), self._conditions.now()
        failures.raise_before_model(fault)
        package = self._sagemaker.package_behind(serving, variants[target])
        return _Invocation(
            endpoint=name,
            variant=target,
            api=self._api(package, conditions),
            package=package.name,
            instances=variants[target]["InitialInstanceCount"],
            arrived=time.monotonic(),
            streamed=streamed,
            fault=fault,
            conditions=conditions,
        )

    def _api(self, package: ModelPackage, conditions: Conditions) -> str:
        """Return what a package's container answers."""
        explicit = conditions.api_of(package.name) or self._declared_apis.now().api_of(package.name)
        # The oldest packages are those that the catalogue is most likely to miss.
        return explicit or package.api or "generate"

    @asynccontextmanager
    async def _running(self, invocation: _Invocation) -> AsyncIterator[None]:
        """Wait for a place in the variant, keep it while the model works, and record CloudWatch's metrics."""
        now, count, queue = invocation.conditions, invocation.instances, invocation.queue_name
        async with self._queue.place(queue, concurrency=count * now.concurrency, length=count * now.queue):
            started, status = time.monotonic(), 200
            state: State = "answered"
            number = self._log.started(invocation.endpoint, invocation.api, streamed=invocation.streamed)
            metrics.request_started(invocation.endpoint, invocation.variant, self._queue.running(queue) / count)
            try:
                yield
            except AwsError as error:
                status, state = int(str(error.fields["OriginalStatusCode"])), "failed"
                raise
            except StreamError:
                status, state = 500, "failed"
                raise
            except (GeneratorExit, asyncio.CancelledError):
                state = "disconnected"
                raise
            finally:
                self._log.ended(number, state)
                timings = metrics.Timings(waiting=started - invocation.arrived, model=time.monotonic() - started)
                metrics.request_finished(invocation.endpoint, invocation.variant, count, status, timings)

    async def _work(self, invocation: _Invocation) -> None:
        """Take as long as the model takes; raise the fault that happens in the model."""
        now, fault = invocation.conditions, invocation.fault
        seconds = (fault.seconds if fault else 0) or now.answer_seconds
        await asyncio.sleep(min(seconds, now.response_limit_seconds))
        failures.raise_in_model(invocation.endpoint, fault, timed_out=seconds > now.response_limit_seconds)

    async def _whole(self, invocation: _Invocation, body: bytes, content_type: str) -> Response:
        async with self._running(invocation):
            await self._work(invocation)
            status, answer_type, answer = await asyncio.to_thread(
                self._container.handle, body, content_type, invocation.api, invocation.package
            )
            if status != 200:
                raise failures.model_error(invocation.endpoint, status, answer)
        headers = {"Content-Type": answer_type, "x-Amzn-Invoked-Production-Variant": invocation.variant}
        answer, length = spoiled(invocation.fault, answer)
        return 200, {**headers, "Content-Length": str(length)}, answer

    async def _stream(self, invocation: _Invocation, body: bytes, content_type: str) -> Response:
        """Answer with event-stream frames. An error before the first frame is an ordinary error response."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._running(invocation))
            await self._work(invocation)
            server_sent = invocation.conditions.stream_format == "server_sent_events"
            call = partial(self._container.stream, server_sent=server_sent)
            status, answer_type, pieces = await asyncio.to_thread(
                call, body, content_type, invocation.api, invocation.package
            )
            if status != 200:
                raise failures.model_error(invocation.endpoint, status, b"".join(pieces))
            sent_as_events = answer_type == SERVER_SENT
            parts = stream_parts.parts(list(pieces), invocation.fault, invocation.api, server_sent=sent_as_events)
            place = stack.pop_all()  # held until the last frame is sent
        now, fault = invocation.conditions, invocation.fault
        ends = invocation.arrived + now.stream_limit_seconds

        async def frames() -> AsyncGenerator[bytes, None]:
            try:
                async with place:
                    async for part in stream_parts.timed(parts, fault, ends, now.part_delay_seconds):
                        yield event_stream.event("PayloadPart", part)
            except StreamError as error:
                yield event_stream.exception_event(error.code, error.content)

        headers = {
            "Content-Type": "application/vnd.amazon.eventstream",
            "X-Amzn-SageMaker-Content-Type": answer_type,
            "x-Amzn-Invoked-Production-Variant": invocation.variant,
        }
        if fault and fault.ending == "cut_off":
            headers["Content-Length"] = str(_UNREACHED)
        return 200, headers, event_stream.streamed(frames())


_UNREACHED = 1_000_000_000
"""The length of no stream. The server breaks the connection of a body that is shorter than its headers say."""


def _refusal(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def _error(error: AwsError) -> Response:
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": error.code,
        "x-amzn-RequestId": str(uuid.uuid4()),
    }
    message = {"message": None} if error.message is None else {"Message": error.message}
    return error.status, headers, json.dumps({**message, **error.fields}).encode()
