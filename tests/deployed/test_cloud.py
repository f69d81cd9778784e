"""The local cloud as a process: it listens on this machine only, explains failures, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_aws.runner import cloud, snapshot
from local_aws.runner.cloud import ROOT, RUNS, CloudError

HAS_PROC = Path("/proc/self/environ").exists()
needs_proc = pytest.mark.skipif(not HAS_PROC, reason="reads /proc, which only Linux has")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def children_of(folder: Path) -> list[str]:
    """Return the command lines of the processes that have a scratch folder in their environment; none without /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_nothing_is_left_when_it_ends() -> None:
    with cloud.running() as local:
        port = int(local.url.rpartition(":")[2])
        assert listens(port)
    assert not listens(port)
    assert not local.folder.exists()


@needs_proc
def test_no_process_is_left_when_it_ends() -> None:
    with cloud.running() as local:
        assert children_of(local.folder)
    assert children_of(local.folder) == []


@needs_proc
def test_it_listens_on_the_loopback_address_only() -> None:
    with cloud.running() as local:
        port = int(local.url.rpartition(":")[2])
        listening = Path("/proc/net/tcp").read_text().splitlines()
        addresses = {line.split()[1] for line in listening if line.split()[1].endswith(f":{port:04X}")}
        assert {address.split(":")[0] for address in addresses if address} == {"0100007F"}


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = rf"^port {port} of 127\.0\.0\.1 cannot be used \(.*\): choose another"
        with pytest.raises(CloudError, match=message), cloud.running(port=port):
            pass


def test_nobody_takes_the_port_while_the_cloud_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    tried = []

    def take(_folder: Path) -> None:
        with pytest.raises(OSError, match="in use"):  # a listener of another local cloud has SO_REUSEADDR, too
            socket.create_server(("127.0.0.1", port))
        tried.append(port)

    with cloud.running(port=port, restore=take) as local:
        assert local.url == f"http://127.0.0.1:{port}"
    assert tried == [port]


def test_a_missing_installation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "SERVER_PYTHON", ROOT / "missing")
    with pytest.raises(CloudError, match="run `make install`"), cloud.running():
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_demo_leaves_no_process_and_no_port(number: signal.Signals) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-u", "-m", "local_aws.runner.demo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout
    line = demo.stdout.readline()
    match = re.search(r"http://127\.0\.0\.1:(\d+)", line)
    assert match, line + demo.stdout.read()
    port = int(match[1])
    time.sleep(0.5)  # into the first command
    demo.send_signal(number)
    demo.wait(30)
    # After SIGKILL the server ends because its input closes, and the command ends because the server has ended.
    folders = list(RUNS.glob(f"run-{demo.pid}-*"))
    until = time.monotonic() + 30
    while time.monotonic() < until and (listens(port) or any(children_of(folder) for folder in folders)):
        time.sleep(0.2)
    assert not listens(port)
    assert [child for folder in folders for child in children_of(folder)] == []
    if number == signal.SIGKILL:
        with cloud.running():  # the next one removes the folder
            assert not any(folder.exists() for folder in folders)
    else:
        assert folders == []
        assert demo.returncode == 130
        assert demo.stdout.read().splitlines()[-1] == "interrupted: the local cloud is gone"


def test_a_restored_cloud_does_not_change_the_snapshot() -> None:
    kept = snapshot.state()
    before = {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    assert before
    with snapshot.deployed() as one, snapshot.deployed() as other:
        assert one.url != other.url
        sagemaker = [boto3.client("sagemaker", endpoint_url=c.url, **_keys(c)) for c in (one, other)]
        sagemaker[0].delete_endpoint(EndpointName="cohere-local")
        assert sagemaker[1].describe_endpoint(EndpointName="cohere-local")["EndpointStatus"] == "InService"
    assert {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()} == before


def _keys(local: cloud.Cloud) -> Any:
    return {
        "region_name": cloud.REGION,
        "aws_access_key_id": local.access_key,
        "aws_secret_access_key": local.secret_key,
    }
