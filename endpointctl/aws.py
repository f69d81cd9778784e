"""The caller's AWS credentials, and what AWS returns for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import boto3
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from endpointctl.aws_failure import SIGN_IN, as_failure, is_expired
from endpointctl.failure import Failure
from sagemaker_llm.operations.limits import PARAMETER
from stacks.names import STACKS, URL_OUTPUT, stack_name
from stacks.settings import ENVIRONMENTS

CdkRole: TypeAlias = Literal["file-publishing", "lookup"]
_CLIENT = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})


@dataclass(frozen=True)
class Caller:
    """The caller's identity.

    Attributes:
        account: the account, 12 digits.
        arn: the principal.

    """

    account: str
    arn: str


def qualifier(cdk_json: Path = ENVIRONMENTS.parent / "cdk.json") -> str:
    """Return the qualifier of ``cdk bootstrap``: the one in cdk.json, or the CDK's default."""
    context: Mapping[str, str] = json.loads(cdk_json.read_text("utf-8"))["context"]
    return context.get("@aws-cdk/core:bootstrapQualifier", "hnb659fds")


class Aws:
    """The caller's session in one region.

    Args:
        region: an AWS region.

    Raises:
        Failure: AWS_PROFILE names no profile.

    """

    def __init__(self, region: str) -> None:
        self.region = region
        self._known: Caller | None = None
        with as_failure():
            self._session: Any = boto3.Session(region_name=region)

    def in_role(self, kind: CdkRole) -> Aws:
        """Return a session of one of the roles that ``cdk bootstrap`` makes, as the CDK CLI takes them.

        A pipeline's own role may do little else. The caller's own session where AWS denies the role.

        Raises:
            Failure: there are no credentials, or AWS refuses them.

        """
        caller = self.caller()
        partition = caller.arn.split(":")[1]
        place = f"{caller.account}-{self.region}"
        arn = f"arn:{partition}:iam::{caller.account}:role/cdk-{qualifier()}-{kind}-role-{place}"
        with as_failure():
            try:
                found = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="endpointctl")["Credentials"]
            except ClientError as error:
                if is_expired(error):
                    raise
                return self
        keys = found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]
        taken = Aws(self.region)
        taken._session = boto3.Session(*keys, region_name=self.region)
        return taken

    def client(self, service: str, config: Config = _CLIENT, *, region: str | None = None) -> Any:  # noqa: ANN401 - a client without types
        """Return boto3's client of a service.

        Args:
            service: e.g. ``sagemaker-runtime``.
            config: default: three attempts, 5 s to connect, 20 s to read.
            region: default the session's.

        Raises:
            Failure: the caller's AWS configuration is wrong.

        """
        with as_failure():
            return self._session.client(service, region_name=region or self.region, config=config)

    def credentials(self) -> Credentials:
        """Return the credentials in use.

        Raises:
            Failure: there are none.

        """
        with as_failure():
            found: Credentials | None = self._session.get_credentials()
        if found is None:
            raise Failure(f"no AWS credentials: {SIGN_IN}")
        return found

    def caller_in(self, account: str | None, environment: str) -> Caller:
        """Return the caller's account and principal, in the account that an environment's file names.

        Args:
            account: the account in the file; None for any.
            environment: its name.

        Raises:
            Failure: there are no credentials, AWS refuses them, or they are of another account.

        """
        caller = self.caller()
        if account not in (None, caller.account):
            raise Failure(
                f"environments/{environment}.yaml: account: {account!r} is not the account of your credentials "
                f"({caller.account}): sign in to that account, or change the file"
            )
        return caller

    def caller(self) -> Caller:
        """Return the caller's account and principal; AWS is asked once.

        Raises:
            Failure: there are no credentials, or AWS refuses them.

        """
        if self._known is None:
            self.credentials()
            with as_failure():
                identity = self.client("sts").get_caller_identity()
            self._known = Caller(account=identity["Account"], arn=identity["Arn"])
        return self._known

    def proxy_url(self, environment: str) -> str:
        """Return the URL of an environment's API: a Function URL, or a REST API with its stage.

        Raises:
            Failure: it is not deployed, or AWS denies access.

        """
        self.credentials()
        name = stack_name(environment, "proxy")
        with as_failure():
            stack = self._stack(name)
        if stack is None:
            raise Failure(
                f"the stack {name} does not exist in {self.region}: run `make deploy ENV={environment}` first"
            )
        url = _outputs(stack).get(URL_OUTPUT)
        if url is None:
            raise Failure(f"the stack {name} has no output {URL_OUTPUT} ({stack['StackStatus']}): deploy it again")
        return url

    def is_asleep(self, environment: str) -> bool:
        """Return whether an environment's endpoint sleeps, by its stack's parameter; False when there is no stack.

        Raises:
            Failure: there are no credentials, or AWS denies access.

        """
        self.credentials()
        with as_failure():
            stack = self._stack(stack_name(environment, "endpoint")) or {}
        given = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
        return given.get(PARAMETER) == "false"

    def stacks_of(self, environment: str) -> list[str]:
        """Return the names of the stacks that an environment has in this region, in the caller's account.

        Raises:
            Failure: there are no credentials, or AWS denies access.

        """
        self.credentials()
        names = [stack_name(environment, stack) for stack in STACKS]
        with as_failure():
            return [name for name in names if self._stack(name)]

    def _stack(self, name: str) -> Mapping[str, Any] | None:
        """Return a stack; None when there is none of that name."""
        try:
            return cast("Mapping[str, Any]", self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0])
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
