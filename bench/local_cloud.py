"""The local cloud's speed and size: start, first deployment, deployment of nothing new, restore, invocations."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from rich.console import Console

from endpointctl.aws import Aws
from endpointctl.client import Client
from endpointctl.refused import Throttled
from local_aws.runner import cloud, snapshot
from local_aws.runner.cloud import Cloud
from local_aws.runner.journey import Journey

_ROUNDS = 5
_INVOCATIONS = 3000
_AT_ONCE = 10
_REQUESTS = 500
Row = tuple[str, str, str, str]


def rows() -> Iterator[Row]:
    """Yield what, median, span and limit of each measurement."""
    snapshot.state()
    yield _row("local cloud ready", [_started(restored=False) for _ in range(_ROUNDS)], "3 s")
    yield _row("restored with a deployed state", [_started(restored=True) for _ in range(_ROUNDS)], "2 s")
    with cloud.running() as local:
        journey = Journey(local, Console(quiet=True))
        os.environ.update(local.variables())
        first = _seconds(journey.bootstrap) + _seconds(journey.deploy)
        yield _row("bootstrap and first deployment", [first], "25 s")
        yield _row("deployment of an unchanged app", [_seconds(journey.deploy) for _ in range(3)], "12 s")
        rate = _rate()
        yield (f"invocations a second, {_AT_ONCE} callers", f"{rate:.0f}", "", "500")
        for at_once in (1, 10, 100):
            answered, refused = _through_the_proxy(at_once)
            what = f"requests a second through URL and proxy, {at_once} callers"
            yield (what, f"{answered:.0f}", f"{refused:.0%} throttled", "")
        yield ("the server's memory at its most", f"{_memory_mb(local):.0f} MB", "", "500 MB")


def _row(what: str, seconds: list[float], limit: str) -> Row:
    span = f"{min(seconds):.2f}-{max(seconds):.2f}" if len(seconds) > 1 else "one run"
    return what, f"{statistics.median(seconds):.2f}", span, limit


def _started(*, restored: bool) -> float:
    begin = time.perf_counter()
    with snapshot.deployed() if restored else cloud.running():
        return time.perf_counter() - begin


def _seconds(step: Any) -> float:  # noqa: ANN401 - a function without arguments
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def _rate() -> float:
    """Invoke with one token, which the stand-in makes in no time."""
    runtime = boto3.client("sagemaker-runtime", config=Config(max_pool_connections=_AT_ONCE))
    request: Any = {"EndpointName": "cohere-local", "ContentType": "application/json"}

    def ask(_: int) -> int:
        answer = runtime.invoke_endpoint(**request, Body=b'{"prompt": "a", "max_tokens": 1}')
        return len(answer["Body"].read())

    with ThreadPoolExecutor(_AT_ONCE) as callers:
        seconds = _seconds(lambda: list(callers.map(ask, range(_INVOCATIONS))))
    return _INVOCATIONS / seconds


def _through_the_proxy(at_once: int) -> tuple[float, float]:
    """Return answers a second, and the share that the function's reserved concurrency refused."""
    aws = Aws(cloud.REGION)
    client = Client(aws.proxy_url("local"), aws.credentials(), cloud.REGION, attempts=1, at_once=at_once)

    def ask(_: int) -> bool:
        try:
            client.generate("a", max_tokens=1)
        except Throttled:
            return False
        return True

    answered: list[bool] = []
    with ThreadPoolExecutor(at_once) as callers:
        list(callers.map(ask, range(2 * at_once)))  # unrecorded: until the functions are warm
        seconds = _seconds(lambda: answered.extend(callers.map(ask, range(_REQUESTS))))
    return sum(answered) / seconds, 1 - sum(answered) / len(answered)


def _memory_mb(local: Cloud) -> float:
    """Return the most memory that the server had, in MB; Linux only."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            ours = str(local.folder).encode() in (process / "environ").read_bytes()
            if ours and b"local_aws.server" in (process / "cmdline").read_bytes():
                high = (process / "status").read_text().partition("VmHWM:")[2].split()[0]
                return int(high) / 1024
        except OSError:
            continue
    return float("nan")
