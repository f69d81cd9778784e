"""The only module that knows MiniStack from the inside.

MiniStack has no public way to add a service or a CloudFormation type, so this leans on private tables. That is why its
version is pinned exactly, and why ``tests/deployed`` exercises every name used here: an upgrade is one pinned line and
one test run.
"""

from __future__ import annotations

import json
import pickle
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ministack import app
from ministack.core import persistence, responses, router
from ministack.services import cloudwatch, kinesis
from ministack.services.cloudformation import changesets, drift, handlers, provisioners, stacks

from local_aws.server.resource_schemas import CreateOnly

Properties: TypeAlias = dict[str, Any]
Response: TypeAlias = tuple[int, dict[str, str], bytes]
ServiceHandler: TypeAlias = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]


@dataclass(frozen=True)
class ResourceType:
    """A CloudFormation resource type and the functions that make it real.

    Attributes:
        name: e.g. ``AWS::SageMaker::Endpoint``.
        create: ``(logical id, properties, stack name) -> (physical id, attributes)``; raises ValueError to fail.
        update: ``(physical id, old properties, new properties, stack name)``; same result. Not called when
            a create-only property changed: CloudFormation then creates a new resource and deletes the old one.
        delete: ``(physical id, properties)``.
        read: ``(physical id, properties)`` gives the live properties for drift detection, None when it is gone.
        readable: the properties that ``read`` returns.
        waits: whether the functions block until the resource is stable.

    """

    name: str
    create: Callable[[str, Properties, str], tuple[str, Properties]]
    update: Callable[[str, Properties, Properties, str], tuple[str, Properties]]
    delete: Callable[[str, Properties], None]
    read: Callable[[str, Properties], Properties | None]
    readable: frozenset[str]
    waits: bool = False


_waiting_types: set[str] = set()
_stores: dict[str, Any] = {}
_STATE = "local_aws"
_NOTHING = {"pickled": pickle.dumps({})}
_MOST_POINTS = 20_000
"""Of each metric, so that a load test does not fill the memory: a million values and more, mostly."""

CREDENTIAL = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/")


def add_resource_type(resource: ResourceType) -> None:
    """Add one resource type to CloudFormation."""
    provisioners._RESOURCE_HANDLERS[resource.name] = {
        "create": resource.create,
        "update": resource.update,
        "delete": resource.delete,
    }
    provisioners._REPLACING_PROPERTIES[resource.name] = CreateOnly(resource.name)
    drift._DRIFT_READERS[resource.name] = (resource.read, resource.readable)
    if resource.waits:
        _waiting_types.add(resource.name)


def run_waiting_types_on_worker_threads() -> None:
    """Run the types that wait on worker threads, so that a slow creation does not block the server."""
    original = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda name: name in _waiting_types or original(name)


def add_service(signing_name: str, handler: ServiceHandler) -> None:
    """Answer the requests that are signed for one service."""
    app.SERVICE_HANDLERS[signing_name] = handler
    # The router would read all 400 service models of botocore, which takes seconds, to learn that this is one.
    known = router._is_aws_service_name
    router._is_aws_service_name = lambda name: name == signing_name or known(name)


def count_plain_http_as_tls() -> None:
    """Let policies see ``aws:SecureTransport`` as true.

    The bootstrap bucket denies everything else, and on a loopback address there is nothing to encrypt.
    """
    pin = app.pin_request_origin
    app.pin_request_origin = lambda client_ip, _secure: pin(client_ip, True)


def keep_stores() -> None:
    """Let our stores live as MiniStack's do: forgotten on reset, written when it ends and read when it starts."""
    reset, collect, restore = app._reset_all_state, app._build_persistence_save_dict, app._load_persisted_state

    def reset_all() -> None:
        reset()
        for one in _stores.values():
            one._data.clear()

    def collect_all() -> dict[str, Callable[[], Any]]:
        return {**collect(), _STATE: lambda: {"pickled": pickle.dumps({name: s._data for name, s in _stores.items()})}}

    def restore_all() -> None:
        restore()
        # Written by another run of ours, into a folder of this checkout.
        for name, data in pickle.loads((persistence.load_state(_STATE) or _NOTHING)["pickled"]).items():  # noqa: S301
            _stores[name]._data.update(data)

    app._reset_all_state, app._build_persistence_save_dict, app._load_persisted_state = (
        reset_all,
        collect_all,
        restore_all,
    )


def record_metric(namespace: str, name: str, value: float, unit: str, dimensions: Mapping[str, str]) -> None:
    """Tell CloudWatch one value of a metric, now. Equal values of one second are counted, not repeated."""
    key = (namespace, name, cloudwatch._dims_key(dict(dimensions)))
    points, second = cloudwatch._metric_bucket(key), int(time.time())
    last = points[-1] if points else {}
    if (last.get("Timestamp"), last.get("Value")) == (second, value):
        last["Count"] += 1
        return
    points.append({"Timestamp": second, "Unit": unit, "Dimensions": dict(dimensions), "Value": value, "Count": 1})
    del points[:-_MOST_POINTS]


def metric(namespace: str, name: str, dimensions: Mapping[str, str], *, seconds: float) -> dict[str, float]:
    """Return a metric's ``Sum``, ``Average``, ``Minimum``, ``Maximum`` and ``SampleCount`` of late; empty without any.

    Args:
        namespace: the metric's.
        name: the metric's.
        dimensions: the metric's.
        seconds: how far back.

    """
    points = cloudwatch._metrics.get((namespace, name, cloudwatch._dims_key(dict(dimensions)))) or []
    since = time.time() - seconds
    found: dict[str, float] = cloudwatch._calc_stats([p for p in points if p["Timestamp"] >= since])
    return found


def event(name: str, payload: bytes) -> bytes:
    """Return a frame of an event stream (``application/vnd.amazon.eventstream``) with one event."""
    headers = {":event-type": name, ":content-type": "application/octet-stream", ":message-type": "event"}
    return bytes(kinesis._eventstream_message(headers, payload))


def exception_event(name: str, payload: bytes) -> bytes:
    """Return a frame of an event stream with a modelled error, after which the stream ends."""
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return bytes(kinesis._eventstream_message(headers, payload))


def streamed(chunks: AsyncIterator[bytes]) -> Any:  # noqa: ANN401 - MiniStack's marker of a long-lived answer
    """Return a response's body that is sent piece by piece."""

    async def run(send: Callable[[dict[str, Any]], Awaitable[None]], _receive: object) -> None:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return responses.StreamingResponse(run)


def check_templates(check: Callable[[str, str], str]) -> None:
    """Let CloudFormation refuse templates before it touches anything.

    Args:
        check: gets the template as JSON and the region; returns what is wrong, or an empty string.

    """
    original = handlers.validate_template_support

    def validate(template: dict[str, Any], conditions: object, params: object = None) -> None:
        try:
            original(template, conditions, params=params)
        except ValueError as error:
            if "Unrecognized resource types" not in str(error):
                raise
            # Either no such type exists, or AWS has it and the emulator lacks it: the reader can tell which.
            raise ValueError(
                f"{error} (or AWS has them and the local cloud does not: see docs/local-cloud.md)"
            ) from None
        if problem := check(json.dumps(template, default=str), region()):
            raise ValueError(problem)

    handlers.validate_template_support = validate
    changesets.validate_template_support = validate


def check_function_urls_strictly() -> None:
    """Take a Function URL's signature for its own region and for Lambda only, and ask for both of its permissions.

    Since October 2025 the caller needs ``lambda:InvokeFunction`` too
    (docs.aws.amazon.com/lambda/latest/dg/urls-auth.html).
    """
    original = app._handle_lambda_url_request

    async def handle(
        host: str, path: str, method: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response | None:
        if parsed := app._parse_lambda_url(host, path):
            if scope := CREDENTIAL.search(headers.get("authorization", "")):
                if scope["region"] != host.split(".")[2]:
                    return _forbidden("Credential should be scoped to a valid region.")
                if scope["service"] != "lambda":
                    return _forbidden("Credential should be scoped to correct service: 'lambda'.")
            arn, context, _ = app._function_url_auth_target(parsed[0])
            if context.get("lambda:FunctionUrlAuthType") != "NONE":
                context = {**context, "lambda:InvokedViaFunctionUrl": "true"}
                denied: Response | None = app._enforce_data_plane(
                    "lambda", "lambda:InvokeFunction", headers, query, "", resource_arn=arn, service_context=context
                )
                if denied:
                    return denied
        answer: Response | None = await original(host, path, method, headers, body, query)
        return answer

    app._handle_lambda_url_request = handle


def _forbidden(message: str) -> Response:
    return 403, {"Content-Type": "application/json"}, json.dumps({"Message": message}).encode()


def denial(action: str, resource_arn: str, headers: dict[str, str], query: dict[str, Any]) -> Response | None:
    """Ask IAM whether the request's signer may do this.

    Args:
        action: the IAM action, e.g. ``sagemaker:InvokeEndpoint``.
        resource_arn: what it acts on; ``*`` where the action knows no resource.
        headers: the request's headers, lower case.
        query: the request's query parameters.

    Returns:
        None when it is allowed, else the AccessDenied response.

    """
    service = action.partition(":")[0]
    response: Response | None = app._enforce_data_plane(
        service, action, headers, query, "", resource_arn=resource_arn, named_resource=resource_arn
    )
    return response


def store(name: str) -> MutableMapping[str, Any]:
    """Return a dictionary that keeps accounts and regions apart, by the request being served.

    Args:
        name: what it is kept as when the server ends; the same name gives the same dictionary.

    """
    scoped: MutableMapping[str, Any] = _stores.setdefault(name, responses.AccountRegionScopedDict())
    return scoped


def account() -> str:
    """Return the account of the request being served."""
    return str(responses.get_account_id())


def region() -> str:
    """Return the region of the request being served."""
    return str(responses.get_region())


def generated_name(stack_name: str, logical_id: str) -> str:
    """Name a resource as CloudFormation does when the template names none; at most 63 characters."""
    return str(provisioners._physical_name(stack_name, logical_id, max_len=63))


def role_exists(role_arn: str) -> bool:
    """Tell whether IAM has this role, as SageMaker checks before it takes one."""
    from ministack.services import iam

    return role_arn.rpartition("/")[2] in iam._roles


def serve() -> None:
    """Run the server in the foreground until it is told to stop."""
    app.main()
