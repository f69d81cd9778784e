"""Deployments that fail or are in doubt, through the CLI and under load."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local_aws.conditions import Conditions
from local_aws.runner.journey import StepError
from tests.support.cloud import ANSWERED, Deployed, Stacks, callers
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
