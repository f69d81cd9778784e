"""The API keys of an environment's clients. API Gateway makes, stores and checks them.

A client is a usage plan, which the deployment makes. Its keys are made here, beside CloudFormation, so that no
deployment adds, changes or removes one. With ``access: api_keys`` a deployment also makes a first key for each client:
that one is the stack's, and is not changed here, because a deployment could undo it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from endpointctl.aws import Aws
from endpointctl.aws_failure import as_failure
from endpointctl.failure import Failure
from stacks.names import PROJECT, key_beginning, stack_name

_PLAN: Final = "AWS::ApiGateway::UsagePlan"
_KEY: Final = "AWS::ApiGateway::ApiKey"
_KEY_BYTES: Final = 20


@dataclass(frozen=True)
class Key:
    """A key, without its value.

    Attributes:
        id: its id in API Gateway, which the logs have too.
        client: the client that it is for.
        enabled: whether API Gateway accepts it.
        created: when it was made, ISO 8601.
        of_stack: whether the deployment made it.

    """

    id: str
    client: str
    enabled: bool
    created: str
    of_stack: bool


@dataclass(frozen=True)
class NewKey:
    """A key that was just made.

    Attributes:
        id: its id in API Gateway.
        value: its value, which is shown once.

    """

    id: str
    value: str = field(repr=False)


class Keys:
    """The keys of one environment.

    Args:
        aws: the caller's session in the environment's region.
        environment: the environment's name.
        tags: further tags of new keys.

    Raises:
        Failure: the environment is not deployed, or AWS denies access.

    """

    def __init__(self, aws: Aws, environment: str, tags: Mapping[str, str]) -> None:
        self._environment = environment
        self._stack = stack_name(environment, "proxy")
        self._tags = {**tags, "project": PROJECT, "environment": environment}
        self._gateway = aws.client("apigateway")
        resources = _resources(aws, environment)
        self._of_stack = {physical_id for kind, physical_id in resources if kind == _KEY}
        with as_failure():
            plans = {one: self._gateway.get_usage_plan(usagePlanId=one) for kind, one in resources if kind == _PLAN}
        self._plans = {self._without_stack(plan["name"]): physical_id for physical_id, plan in plans.items()}

    def all(self) -> list[Key]:
        """Return every key, by client and age; also those of clients that are no more.

        Raises:
            Failure: AWS denies access.

        """
        pages = self._gateway.get_paginator("get_api_keys")
        with as_failure():
            found = pages.paginate(nameQuery=f"{self._stack}-", includeValues=False).build_full_result()
        keys = [key for one in found.get("items", []) if (key := self._key(one))]
        return sorted(keys, key=lambda key: (key.client, key.created, key.id))

    def of(self, client: str) -> list[Key]:
        """Return the keys of a client."""
        return [key for key in self.all() if key.client == client]

    def one(self, name: str) -> Key:
        """Return a key by its id, or by its client when that has one key.

        Raises:
            Failure: there is no such key, or the client has several.

        """
        keys = self.all()
        found = [key for key in keys if name == key.id] or [key for key in keys if name == key.client]
        if not found:
            known = ", ".join(f"{key.id} ({key.client})" for key in keys) or "none: no key was made"
            raise Failure(f"{name!r} is no key of {self._environment}; allowed: {known}")
        if len(found) > 1:
            ids = ", ".join(key.id for key in found)
            raise Failure(f"{name!r} has several keys; allowed: {ids}: name one, see `endpointctl keys list`")
        return found[0]

    def create(self, client: str) -> NewKey:
        """Make a key with the limits of a client.

        Raises:
            Failure: there is no such client, or AWS refuses; no key is left then.

        """
        plan = self._plans.get(client)
        if plan is None:
            known = ", ".join(sorted(self._plans)) or "none"
            raise Failure(
                f"{client!r} is no client of the stack {self._stack}; allowed: {known}; or add it to "
                f"proxy.rest_api.clients and run `make deploy ENV={self._environment}`"
            )
        name = f"{self._stack}-{client}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        with as_failure():
            # The proxy's metrics know the client by the beginning of its key.
            value = key_beginning(client) + token_hex(_KEY_BYTES)
            tags = {**self._tags, "client": client}
            made = self._gateway.create_api_key(name=name, value=value, enabled=True, tags=tags)
        try:
            with as_failure():
                self._gateway.create_usage_plan_key(usagePlanId=plan, keyId=made["id"], keyType="API_KEY")
        except Failure:
            self.discard(made["id"])
            raise
        return NewKey(made["id"], made["value"])

    def set_enabled(self, key: Key, *, enabled: bool) -> None:
        """Disable or enable a key; it takes effect with the next request.

        Raises:
            Failure: it is the stack's, or AWS refuses.

        """
        self._refuse_of_stack(key)
        change = {"op": "replace", "path": "/enabled", "value": str(enabled).lower()}
        with as_failure():
            self._gateway.update_api_key(apiKey=key.id, patchOperations=[change])

    def delete(self, key: Key) -> None:
        """Delete a key for ever.

        Raises:
            Failure: it is the stack's, or AWS refuses.

        """
        self._refuse_of_stack(key)
        with as_failure():
            self._gateway.delete_api_key(apiKey=key.id)

    def discard(self, key_id: str) -> None:
        """Delete a key that nobody has seen, if AWS lets us."""
        with suppress(ClientError, BotoCoreError):
            self._gateway.delete_api_key(apiKey=key_id)

    def _key(self, item: Mapping[str, Any]) -> Key | None:
        """Return a key of this environment; None for another's, whose name may begin with the same words."""
        of_stack = item["id"] in self._of_stack
        tags = item.get("tags") or {}
        if not of_stack and (tags.get("environment") != self._environment or "client" not in tags):
            return None
        client = self._without_stack(item["name"]) if of_stack else tags["client"]
        created = item["createdDate"].astimezone(UTC).isoformat(timespec="seconds")
        return Key(item["id"], client, bool(item["enabled"]), created, of_stack)

    def _without_stack(self, name: str) -> str:
        return name.removeprefix(f"{self._stack}-")

    def _refuse_of_stack(self, key: Key) -> None:
        if key.of_stack:
            raise Failure(
                f"the key {key.id} is the stack's, and a deployment could undo the change: take {key.client} out of "
                f"proxy.rest_api.clients and run `make deploy ENV={self._environment}`"
            )


def _resources(aws: Aws, environment: str) -> list[tuple[str, str]]:
    """Return type and physical id of each resource in the stack of an environment's proxy."""
    aws.proxy_url(environment)  # fails in one line when it is not deployed
    pages = aws.client("cloudformation").get_paginator("list_stack_resources")
    with as_failure():
        found = pages.paginate(StackName=stack_name(environment, "proxy")).build_full_result()
    return [(one["ResourceType"], one["PhysicalResourceId"]) for one in found["StackResourceSummaries"]]
