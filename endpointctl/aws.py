"""The caller's AWS credentials, and what AWS returns for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
)

from endpointctl.failure import Failure
from stacks.names import FUNCTION_OUTPUT, URL_OUTPUT, stack_name

SIGN_IN = "sign in first: `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
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


class Aws:
    """The caller's session in one region.

    Args:
        region: an AWS region.

    Raises:
        Failure: AWS_PROFILE names no profile.

    """

    def __init__(self, region: str) -> None:
        self.region = region
        with _as_failure():
            self._session = boto3.Session(region_name=region)

    def credentials(self) -> Credentials:
        """Return the credentials in use.

        Raises:
            Failure: there are none.

        """
        with _as_failure():
            found = self._session.get_credentials()
        if found is None:
            raise Failure(f"no AWS credentials: {SIGN_IN}")
        return found

    def caller(self) -> Caller:
        """Return the caller's account and principal.

        Raises:
            Failure: there are no credentials, or AWS refuses them.

        """
        self.credentials()
        with _as_failure():
            identity = self._session.client("sts", config=_CLIENT).get_caller_identity()
        return Caller(account=identity["Account"], arn=identity["Arn"])

    def has_room_for(self, concurrency: int, environment: str) -> bool:
        """Return whether Lambda would reserve this concurrency: 100 of the account's must stay unreserved.

        What other functions have reserved counts, and what the environment's function has now is free again. True when
        the caller is denied access to these settings.
        Source: docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html.

        Args:
            concurrency: what the environment's function is to have.
            environment: its name.

        """
        client = self._session.client("lambda", config=_CLIENT)
        try:
            limit = client.get_account_settings()["AccountLimit"]
            function = self._outputs(environment).get(FUNCTION_OUTPUT)
            own = client.get_function_concurrency(FunctionName=function) if function else None
        except (ClientError, BotoCoreError):
            return True
        freed = own.get("ReservedConcurrentExecutions", 0) if own else 0
        return limit["UnreservedConcurrentExecutions"] + freed - concurrency >= 100

    def _outputs(self, environment: str) -> dict[str, str]:
        """Return the outputs of an environment's proxy stack; none when it is not deployed."""
        name = stack_name(environment, "proxy")
        try:
            stacks = self._session.client("cloudformation", config=_CLIENT).describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return {}
            raise
        return {one["OutputKey"]: one["OutputValue"] for one in stacks[0].get("Outputs", [])}

    def api_gateway_may_log(self) -> bool:
        """Return whether API Gateway has the account's role for access logs; True when the caller is denied access."""
        try:
            account = self._session.client("apigateway", config=_CLIENT).get_account()
        except (ClientError, BotoCoreError):
            return True
        return bool(account.get("cloudwatchRoleArn"))

    def proxy_url(self, environment: str) -> str:
        """Return the URL of an environment's API: a Function URL, or a REST API with its stage.

        Raises:
            Failure: it is not deployed, or AWS denies access.

        """
        self.credentials()
        name = stack_name(environment, "proxy")
        try:
            with _as_failure():
                stacks = self._session.client("cloudformation", config=_CLIENT).describe_stacks(StackName=name)
        except Failure as failure:
            if "does not exist" in failure.reason:
                raise Failure(
                    f"the stack {name} does not exist in {self.region}: run `make deploy ENV={environment}` first"
                ) from None
            raise
        outputs = {o["OutputKey"]: o["OutputValue"] for o in stacks["Stacks"][0].get("Outputs", [])}
        if URL_OUTPUT not in outputs:
            status = stacks["Stacks"][0]["StackStatus"]
            raise Failure(f"the stack {name} has no output {URL_OUTPUT} ({status}): deploy it again")
        return outputs[URL_OUTPUT]


@contextmanager
def _as_failure() -> Iterator[None]:
    """Raise what boto3 raises as a failure of one line."""
    try:
        yield
    except (NoCredentialsError, CredentialRetrievalError):
        raise Failure(f"no AWS credentials: {SIGN_IN}") from None
    except ProfileNotFound as error:
        raise Failure(f"{error}: choose one of `aws configure list-profiles`") from None
    except ClientError as error:
        details = error.response["Error"]
        raise Failure(f"AWS refused: {details.get('Code')}: {details.get('Message')}") from None
    except EndpointConnectionError as error:
        hint = " (AWS_ENDPOINT_URL is set: is the local cloud still up?)" if os.environ.get("AWS_ENDPOINT_URL") else ""
        raise Failure(f"AWS cannot be reached: {error}{hint}") from None
    except BotoCoreError as error:
        raise Failure(f"AWS: {error}") from None
