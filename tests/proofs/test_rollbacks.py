"""Deployments that fail or are in doubt, through the CLI and under load."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from local_aws.conditions import Conditions
from local_aws.runner.journey import StepError
from tests.support.cloud import ANSWERED, Deployed, StackFailed, Stacks, callers, policies_of
from tests.support.templates import Content, changed

DEPLOY = ("deploy", "local/proxy", "-c", "environment=local", "--exclusively", "--require-approval", "never")
BREAKS = {"lambda/proxy/handler.py": "raise RuntimeError('no such module')\n"}


def test_the_cli_says_why_a_version_cannot_start(deployed: Deployed, tmp_path: Path) -> None:
    with callers(deployed.proxy) as results, pytest.raises(StepError) as caught:
        deployed.cdk(*DEPLOY, files=BREAKS, folder=tmp_path / "app")
    assert "the new version of the proxy cannot start" in caught.value.output
    assert "no such module" in caught.value.output
    assert set(results) == {ANSWERED}


def test_a_version_that_is_throttled_does_not_fail_its_deployment(
    deployed: Deployed, local: Stacks, content: Content, account: Callable[[Conditions], None]
) -> None:
    """The reserved concurrency is in use for as long as the check lasts: nobody can tell whether the version starts."""
    one = changed(content, {"proxy.reserved_concurrency": 1})
    local.deploy(one, "proxy")
    account(Conditions(answer_seconds=16))
    busy = threading.Thread(target=lambda: deployed.proxy.post("/v1/generate", b'{"prompt": "hello"}'))
    busy.start()
    time.sleep(1)  # until it runs
    try:
        local.deploy(changed(one, {"proxy.memory_mib": 640}), "proxy")
    finally:
        busy.join()
        account(Conditions())
        local.deploy(content, "proxy")
    assert local.status("proxy") == "UPDATE_COMPLETE"


def test_without_its_statement_the_version_check_fails_the_deployment(
    deployed: Deployed, local: Stacks, content: Content
) -> None:
    iam = boto3.client("iam")
    role, policies = policies_of("CheckRole")
    name, document = next((n, d) for n, d in policies.items() if "lambda:InvokeFunction" in json.dumps(d))
    kept = [s for s in document["Statement"] if s["Action"] != "lambda:InvokeFunction"]
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps({**document, "Statement": kept}))
    try:
        with pytest.raises(StackFailed, match="AccessDeniedException"):
            local.deploy(changed(content, {"proxy.memory_mib": 640}), "proxy")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    assert deployed.proxy.generate(prompt="hello", max_tokens=1).texts
