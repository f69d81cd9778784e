"""The account that is examined: each question to AWS has a short time-out, and is asked once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import ClientError

from endpointctl.aws import Aws, Caller
from endpointctl.aws_failure import as_failure
from endpointctl.failure import Failure
from stacks.names import stack_name
from stacks.settings import Settings

_FIRST: Final = Config(connect_timeout=3, read_timeout=6, retries={"mode": "standard", "total_max_attempts": 2})
"""Without a network the first question fails, within seconds, and no other is asked."""

_FURTHER: Final = _FIRST.merge(Config(retries={"mode": "standard", "total_max_attempts": 4}, max_pool_connections=20))
"""AWS throttles whoever describes many endpoints."""

MOST_SKEW_SECONDS: Final = 300
"""AWS refuses a signature that is older.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html.
"""

_DENIED: Final = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")


def is_denied(error: ClientError) -> bool:
    """Return whether IAM denies the call."""
    return error.response["Error"].get("Code") in _DENIED


@dataclass(frozen=True)
class Identity:
    """Who asks, and when, by AWS's clock.

    Attributes:
        caller: None when AWS refuses the signature because of the clock.
        skew_seconds: how far this machine's clock is ahead of AWS's; None when the response has no date.

    """

    caller: Caller | None
    skew_seconds: float | None

    @classmethod
    def of(cls, aws: Aws) -> Identity:
        """Ask AWS who the caller is; no permission is needed.

        Raises:
            Failure: there are no credentials, AWS refuses them, or cannot be reached.

        """
        aws.credentials()
        with as_failure():
            try:
                response = aws.client("sts", _FIRST).get_caller_identity()
            except ClientError as error:
                skew = _skew(error.response)
                if skew is None or abs(skew) <= MOST_SKEW_SECONDS:
                    raise
                return cls(None, skew)
        return cls(Caller(response["Account"], response["Arn"]), _skew(response))


def now() -> datetime:
    """Return the time of this machine's clock."""
    return datetime.now(UTC)


def _skew(response: Mapping[str, Any]) -> float | None:
    date = response["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
    try:
        return (now() - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return None


class Account:
    """An environment, and the account that it is deployed to.

    Args:
        environment: the environment's name.
        settings: the settings in its file.
        aws: the caller's session.
        identity: the caller.

    """

    def __init__(self, environment: str, settings: Settings, aws: Aws, identity: Identity) -> None:
        self.environment = environment
        self.settings = settings
        self.identity = identity
        self.region = settings.region
        self.file = f"environments/{environment}.yaml"
        self._aws = aws
        self._lock, self._assuming = threading.Lock(), threading.Lock()
        self._readers: list[Aws] = []
        self._clients: dict[tuple[Aws, str, str], Any] = {}
        self._stacks: dict[str, Mapping[str, Any] | None] = {}

    def call(self, service: str, operation: str, *, region: str | None = None, **request: Any) -> Any:  # noqa: ANN401 - JSON
        """Ask AWS; where the caller is denied, as the CDK's role for look-ups, if the caller may assume it.

        Args:
            service: as boto3 names it, e.g. ``sagemaker``.
            operation: as boto3 names it, e.g. ``list_endpoints``.
            region: default the environment's.
            request: the operation's arguments.

        Raises:
            ClientError: AWS refuses.
            BotoCoreError: AWS cannot be reached.

        """
        place = region or self.region
        try:
            return getattr(self._client(self._aws, service, place), operation)(**request)
        except ClientError as error:
            reader = self._reader() if is_denied(error) else None
            if reader is None:
                raise
            return getattr(self._client(reader, service, place), operation)(**request)

    def pages(
        self,
        service: str,
        operation: str,
        following: str = "NextToken",
        **request: Any,  # noqa: ANN401 - JSON
    ) -> Iterator[Any]:
        """Yield each page of a list.

        Args:
            service: as of ``call``.
            operation: as of ``call``.
            following: the member that names the next page, in requests and responses.
            request: the arguments of ``call``.

        """
        page = self.call(service, operation, **request)
        yield page
        while page.get(following):
            page = self.call(service, operation, **{**request, following: page[following]})
            yield page

    def stack(self, kind: str) -> Mapping[str, Any] | None:
        """Return one of the environment's stacks; None when it does not exist."""
        if kind not in self._stacks:
            self._stacks[kind] = self._described(stack_name(self.environment, kind))
        return self._stacks[kind]

    def resources(self, kind: str, resource_type: str) -> list[str]:
        """Return the physical ids of a stack's resources of one type; empty when there is no stack."""
        if self.stack(kind) is None:
            return []
        found = self.call("cloudformation", "describe_stack_resources", StackName=stack_name(self.environment, kind))
        return [
            one["PhysicalResourceId"]
            for one in found["StackResources"]
            if one["ResourceType"] == resource_type
            and one["ResourceStatus"] != "DELETE_COMPLETE"
            and one.get("PhysicalResourceId")
        ]

    def _client(self, aws: Aws, service: str, region: str) -> Any:  # noqa: ANN401 - a client without types
        with self._lock:  # a session makes one client at a time
            if (aws, service, region) not in self._clients:
                self._clients[aws, service, region] = aws.client(service, _FURTHER, region=region)
            return self._clients[aws, service, region]

    def _reader(self) -> Aws | None:
        """Return a session of the CDK's role for look-ups, assumed once; None where the caller may not assume it."""
        with self._assuming:
            if not self._readers:
                with suppress(Failure):
                    self._readers.append(self._aws.in_role("lookup"))
        reader = next(iter(self._readers), self._aws)
        return None if reader is self._aws else reader

    def _described(self, name: str) -> Mapping[str, Any] | None:
        try:
            stack: Mapping[str, Any] = self.call("cloudformation", "describe_stacks", StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return stack
