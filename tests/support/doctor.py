"""The doctor in this process, for an environment that need not have a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from endpointctl.aws import Aws
from endpointctl.doctor import Account, Finding, Identity, run, select
from stacks.settings import Settings
from tests.support.cloud import policy
from tests.support.templates import Content, changed


def findings(content: Content, *only: str, environment: str = "local", **changes: Any) -> list[Finding]:
    """Return what the doctor finds.

    Args:
        content: the environment's file.
        only: the checks; default all.
        environment: its name.
        changes: other values of the file, with ``__`` for a dot.

    """
    values = {key.replace("__", "."): value for key, value in changes.items()}
    settings = Settings.model_validate(changed(content, values))
    aws = Aws(settings.region)
    return list(run(Account(environment, settings, aws, Identity.of(aws)), select(only)))


@contextmanager
def caller(*statements: dict[str, Any], name: str = "doctor") -> Iterator[None]:
    """Be a user who may do what the statements say, and nothing else."""
    iam = boto3.client("iam")
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
            patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
            yield
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        if statements:
            iam.delete_user_policy(UserName=name, PolicyName="own")
        iam.delete_user(UserName=name)
