"""The template of the pipelines' roles, and the tokens that their platforms would sign."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from aws_cdk import App
from aws_cdk.assertions import Template
from botocore import UNSIGNED
from botocore.config import Config

from pipeline_access.access import Access
from pipeline_access.app import STACK
from pipeline_access.stack import PipelineAccessStack
from tests.support.cloud import Deployed
from tests.support.templates import CONTEXT

ACCOUNT = "111122223333"
GITHUB = "token.actions.githubusercontent.com"

ENVIRONMENTS: dict[str, Any] = {
    "local": {"region": "us-east-1"},
    "dev": {"region": "us-east-1", "signed_rest_api": True},
    "prod": {"region": "eu-west-1"},
}


def template_of(**values: Any) -> dict[str, Any]:
    """Return the template for settings; default the repository acme/cohere and the environments above."""
    found: dict[str, Any] = json.loads(
        _template_of(json.dumps({"repository": "acme/cohere", "environments": ENVIRONMENTS, **values}))
    )
    return found


@cache
def _template_of(text: str) -> str:
    app = App(builtin_cloud_formation_validation=False, analytics_reporting=False, context=CONTEXT)
    stack = PipelineAccessStack(app, STACK, access=Access.model_validate_json(text))
    return json.dumps(Template.from_stack(stack).to_json())


@contextmanager
def roles(deployed: Deployed, **settings: Any) -> Iterator[None]:
    """Deploy the pipelines' roles for as long as the context lasts."""
    body, wait = json.dumps(template_of(**settings)), {"Delay": 1, "MaxAttempts": 60}
    cloudformation: Any = deployed.cloudformation
    cloudformation.create_stack(StackName=STACK, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig=wait)
    try:
        yield
    finally:
        cloudformation.delete_stack(StackName=STACK)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig=wait)


def token(subject: str, *, issuer: str = GITHUB, audience: str = "sts.amazonaws.com") -> str:
    """Return a token without a signature, which the local cloud does not check."""
    claims = {"iss": f"https://{issuer}", "aud": audience, "sub": subject}
    return f"{_encoded({'alg': 'none'})}.{_encoded(claims)}.x"


def _encoded(part: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def session_of(role: str, web_token: str) -> boto3.Session:
    """Return the session of a job that assumes a role with its token."""
    sts = boto3.client("sts", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    found = sts.assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="test", WebIdentityToken=web_token
    )
    return session_from(found["Credentials"])


def assumed(
    session: boto3.Session, kind: str, region: str = "us-east-1", qualifier: str = "hnb659fds"
) -> boto3.Session:
    """Return the session of a role of the CDK that another session assumes."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/cdk-{qualifier}-{kind}-role-{ACCOUNT}-{region}"
    found = session.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")
    return session_from(found["Credentials"])


def session_from(credentials: Any) -> boto3.Session:
    return boto3.Session(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
        region_name="us-east-1",
    )
