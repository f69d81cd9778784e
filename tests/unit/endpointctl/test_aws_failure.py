"""AWS that denies, cannot be reached, or whose session ends in the middle of a command: one line, and nothing left."""

import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError

from endpointctl import cli
from endpointctl.aws import Aws, qualifier
from endpointctl.aws_failure import as_failure
from endpointctl.commands import deployments as commands
from endpointctl.failure import Failure
from tests.unit.endpointctl.test_deployments import assembly

ACCOUNT = "111122223333"
NAME = "cohere-gone-endpoint"
KEY = "cohere/deployments/dev/20261120T000000Z-abc-deploy.zip"
URL = "https://sts.us-east-1.amazonaws.com/"


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "x")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (refused("ExpiredToken"), "your AWS credentials have expired (ExpiredToken): sign in again"),
        (refused("ExpiredTokenException"), "your AWS credentials have expired (ExpiredTokenException): sign in again"),
        (refused("AccessDenied"), "AWS refused: AccessDenied: m"),
        (NoCredentialsError(), "no AWS credentials: sign in first"),
        (CredentialRetrievalError(provider="p", error_msg="a\nb"), "no AWS credentials: sign in first"),
        (UnauthorizedSSOTokenError(), "no AWS credentials: The SSO session associated with this profile has expired"),
        (EndpointConnectionError(endpoint_url=URL, error="x"), "AWS cannot be reached: "),
        (ConnectTimeoutError(endpoint_url=URL), "AWS cannot be reached: "),
        (ReadTimeoutError(endpoint_url=URL), "AWS cannot be reached: "),
        (ProxyConnectionError(proxy_url="http://p", error="x"), "AWS cannot be reached: "),
        (
            ResponseParserError("invalid XML:\nb''"),
            "what answers is not AWS: invalid XML: b'' (does a web proxy answer",
        ),
    ],
)
def test_one_line_with_what_to_do(monkeypatch: pytest.MonkeyPatch, error: Exception, line: str) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(Failure) as caught, as_failure():
        raise error
    assert caught.value.reason.startswith(line)
    assert "\n" not in caught.value.reason
    assert ("HTTPS_PROXY" in caught.value.reason) is line.startswith("AWS cannot be reached")


@cache
def client(service: str) -> Any:
    """Return a client, made once: that takes a tenth of a second, a call none."""
    return boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]


class Session:
    """AWS for a session that ends after some calls; by default never."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, until: int, code: str = "ExpiredToken") -> None:
        self.calls = list[str]()
        self._until, self._code = until, code
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
        for name, value in keys.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(Aws, "client", lambda _, service: client(service))
        monkeypatch.setattr(BaseClient, "_make_api_call", lambda _, name, __: self.answer(name))

    def answer(self, operation: str) -> Any:
        self.calls.append(operation)
        if len(self.calls) > self._until:
            raise refused(self._code)
        answers: dict[str, Callable[[], Any]] = {
            "GetCallerIdentity": lambda: {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/u"},
            "AssumeRole": lambda: {
                "Credentials": {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"},
            },
            "ListObjectsV2": lambda: {"Contents": [{"Key": KEY}]},
            "GetObject": lambda: {"Body": io.BytesIO(assembly("a"))},
            "DescribeStacks": lambda: {"Stacks": [{"StackName": NAME, "StackStatus": "CREATE_COMPLETE"}]},
            "GetTemplate": lambda: {"TemplateBody": {"Content": "a"}},
            "DescribeStackResources": lambda: {"StackResources": [ENDPOINT]},
            "DescribeEndpoint": lambda: {"EndpointConfigName": "c"},
            "DescribeEndpointConfig": lambda: {"ProductionVariants": []},
        }
        return answers[operation]()


ENDPOINT = {"ResourceType": "AWS::SageMaker::Endpoint", "ResourceStatus": "CREATE_COMPLETE", "PhysicalResourceId": "e"}


@pytest.mark.parametrize(
    "command",
    [
        lambda _: commands.deployments("dev"),
        lambda folder: commands.assembly(folder / "out", "dev"),
        lambda _: cli.orphans(None),
    ],
    ids=["deployments", "assembly", "orphans"],
)
def test_a_session_that_ends_at_each_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: Callable[[Path], None]
) -> None:
    whole = Session(monkeypatch, 1000)
    try:
        command(tmp_path / "whole")
    except Failure as failure:
        assert "stacks of no environment file (gone)" in failure.reason  # noqa: PT017 - only orphans fails
    assert len(whole.calls) >= 5
    for calls in range(len(whole.calls)):
        Session(monkeypatch, calls)
        with pytest.raises(Failure, match=r"^your AWS credentials have expired \(ExpiredToken\): sign in again"):
            command(tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_role_that_is_denied_and_one_that_cannot_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    Session(monkeypatch, 1, "AccessDenied")
    aws = Aws("us-east-1")
    assert aws.in_role("lookup") is aws
    Session(monkeypatch, 1, "ExpiredToken")
    with pytest.raises(Failure, match=r"have expired"):
        Aws("us-east-1").in_role("lookup")


def test_the_bucket_and_roles_are_those_of_the_qualifier_in_cdk_json(tmp_path: Path) -> None:
    file = tmp_path / "cdk.json"
    for context, expected in (({}, "hnb659fds"), ({"@aws-cdk/core:bootstrapQualifier": "llm"}, "llm")):
        file.write_text(json.dumps({"context": context}), "utf-8")
        assert qualifier(file) == expected
    assert qualifier() == "hnb659fds"


@pytest.mark.parametrize(("code", "bootstraps"), [("NoSuchBucket", True), ("AccessDenied", True), ("SlowDown", False)])
def test_only_a_missing_bucket_is_one_of_bootstrap(
    monkeypatch: pytest.MonkeyPatch, code: str, bootstraps: bool
) -> None:
    Session(monkeypatch, 2, code)
    with pytest.raises(Failure) as caught:
        commands.deployments("dev")
    assert caught.value.reason.startswith(f"AWS refused: {code}")
    assert ("make bootstrap" in caught.value.reason) is bootstraps
