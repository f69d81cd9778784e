"""The only module that knows MiniStack from the inside.

MiniStack has no public way to add a service or a CloudFormation type, so this leans on private tables. That is why its
version is pinned exactly, and why ``tests/deployed`` exercises every name used here: an upgrade is one pinned line and
one test run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ministack import app
from ministack.core import responses, router
from ministack.services.cloudformation import drift, provisioners, stacks

Properties: TypeAlias = dict[str, Any]
Response: TypeAlias = tuple[int, dict[str, str], bytes]
ServiceHandler: TypeAlias = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]


@dataclass(frozen=True)
class ResourceType:
    """A CloudFormation resource type and the functions that make it real.

    Attributes:
        name: e.g. ``AWS::SageMaker::Endpoint``.
        create: ``(logical id, properties, stack name) -> (physical id, attributes)``; raises ValueError to fail.
        update: ``(physical id, old properties, new properties, stack name)``; same result. Never called when a property
            in ``create_only`` changed: then a new resource is created and the old one deleted afterwards.
        delete: ``(physical id, properties)``.
        read: ``(physical id, properties)`` gives the live properties for drift detection, None when it is gone.
        readable: the properties that ``read`` returns.
        create_only: the properties whose change replaces the resource.
        waits: whether the functions block until the resource is stable.

    """

    name: str
    create: Callable[[str, Properties, str], tuple[str, Properties]]
    update: Callable[[str, Properties, Properties, str], tuple[str, Properties]]
    delete: Callable[[str, Properties], None]
    read: Callable[[str, Properties], Properties | None]
    readable: frozenset[str]
    create_only: tuple[str, ...]
    waits: bool = False


_waiting_types: set[str] = set()


def add_resource_type(resource: ResourceType) -> None:
    """Teach CloudFormation one resource type."""
    provisioners._RESOURCE_HANDLERS[resource.name] = {
        "create": resource.create,
        "update": resource.update,
        "delete": resource.delete,
    }
    provisioners._REPLACING_PROPERTIES[resource.name] = resource.create_only
    drift._DRIFT_READERS[resource.name] = (resource.read, resource.readable)
    if resource.waits:
        _waiting_types.add(resource.name)


def let_resources_wait() -> None:
    """Run the types that wait on a worker thread, so that a slow creation does not stall the server."""
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


def on_reset(clear: Callable[[], None]) -> None:
    """Call ``clear`` when somebody resets the server's state."""
    reset = app._reset_all_state

    def reset_all() -> None:
        reset()
        clear()

    app._reset_all_state = reset_all


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


def store() -> MutableMapping[str, Any]:
    """Return a dictionary that keeps accounts and regions apart, by the request being served."""
    scoped: MutableMapping[str, Any] = responses.AccountRegionScopedDict()
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
