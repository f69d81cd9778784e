"""Extends MiniStack: services, CloudFormation types, checks, stores.

MiniStack has no public way to add a service or a CloudFormation type, so this module and some others use its private
names. Therefore its version is pinned exactly. ``tests/deployed/test_contract.py`` lists the modules, and checks that
every such name exists.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import hypercorn.config
from ministack import app
from ministack.core import persistence, responses, router
from ministack.services.cloudformation import changesets, drift, handlers, provisioners, stacks

from local_aws.server.resource_schemas import CreateOnly

Properties: TypeAlias = dict[str, Any]
Response: TypeAlias = tuple[int, dict[str, str], bytes]
ServiceHandler: TypeAlias = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]


@dataclass(frozen=True)
class ResourceType:
    """A CloudFormation resource type and its functions.

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
    # Otherwise the router reads all 400 service models of botocore, which takes seconds.
    known = router._is_aws_service_name
    router._is_aws_service_name = lambda name: name == signing_name or known(name)


def count_plain_http_as_tls() -> None:
    """Set ``aws:SecureTransport`` to true for policies.

    The bootstrap bucket denies requests without TLS, and requests to a loopback address do not need it.
    """
    pin = app.pin_request_origin
    app.pin_request_origin = lambda client_ip, _secure: pin(client_ip, True)


def keep_stores() -> None:
    """Reset, save and load our stores when MiniStack resets, saves and loads its own."""
    reset, collect, restore = app._reset_all_state, app._build_persistence_save_dict, app._load_persisted_state

    def reset_all() -> None:
        reset()
        for one in _stores.values():
            one._data.clear()

    def collect_all() -> dict[str, Callable[[], Any]]:
        return {**collect(), _STATE: lambda: {"pickled": pickle.dumps({name: s._data for name, s in _stores.items()})}}

    def restore_all() -> None:
        restore()
        # Another run of this program wrote it, into a folder of this checkout.
        for name, data in pickle.loads((persistence.load_state(_STATE) or _NOTHING)["pickled"]).items():  # noqa: S301
            _stores[name]._data.update(data)

    app._reset_all_state, app._build_persistence_save_dict, app._load_persisted_state = (
        reset_all,
        collect_all,
        restore_all,
    )


def check_templates(check: Callable[[str, str], str]) -> None:
    """Check templates before CloudFormation creates or changes anything.

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
            raise ValueError(
                f"{error} (or AWS has them and the local cloud does not: see docs/local-cloud.md)"
            ) from None
        if problem := check(json.dumps(template, default=str), region()):
            raise ValueError(problem)

    handlers.validate_template_support = validate
    changesets.validate_template_support = validate


def check_function_urls_strictly() -> None:
    """Accept a Function URL's signature only for its region and for Lambda, and require both of its permissions.

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
    """Check whether IAM allows the request's signer an action.

    Args:
        action: the IAM action, e.g. ``sagemaker:InvokeEndpoint``.
        resource_arn: the resource; ``*`` for an action without one.
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
    """Return a dictionary with separate content for each account and region, by the request being served.

    Args:
        name: the name under which it is saved; the same name returns the same dictionary.

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
    """Return whether IAM has a role; SageMaker checks it before it accepts the role."""
    from ministack.services import iam

    return role_arn.rpartition("/")[2] in iam._roles


def serve(bound: str | None) -> None:
    """Run the server in the foreground until SIGTERM.

    Args:
        bound: the number of the inherited socket to listen on; none to bind ``GATEWAY_PORT``.

    """
    if bound:
        hypercorn.config.Config.bind = property(lambda _self: [f"fd://{bound}"], lambda _self, _value: None)
    app.main()
