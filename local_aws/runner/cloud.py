"""Starts the local cloud's server, creates credentials for it, and removes everything at the end.

This module runs in the project's virtual environment. The server runs in another one (``.tools/local-cloud``), because
MiniStack pins its own version of botocore.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import boto3

from local_aws import conditions
from local_aws.runner import ports, processes, run_folders

ROOT = Path(__file__).parents[2]
RUNS = ROOT / ".local-cloud"
SERVER_PYTHON = ROOT / ".tools" / "local-cloud" / "bin" / "python"
ACCOUNT = "111122223333"
REGION = "us-east-1"
USER = "workstation"
START_SECONDS = 60.0
ASSEMBLY = "cdk.out"
"""The folder in a cloud's scratch folder for the assembly that is deployed there."""

_STATE, _KEYS, _DECLARED_APIS = "state", "keys.json", "declared-apis.json"


class CloudError(Exception):
    """The local cloud cannot be started. The message is one line with the reason and the remedy."""


@dataclass(frozen=True)
class Cloud:
    """A running local cloud.

    Attributes:
        url: where it listens.
        folder: its scratch folder inside the checkout, removed when it ends.
        access_key: the access key of the IAM user ``workstation``, an administrator whose signatures are checked.
        secret_key: its secret key.

    """

    url: str
    folder: Path
    access_key: str
    secret_key: str

    @property
    def conditions(self) -> Path:
        """Return the file of ``local_aws.conditions``."""
        return self.folder / "conditions.json"

    @property
    def declared_apis(self) -> Path:
        """Return the file with the APIs of packages that the deployed environment names."""
        return self.folder / _DECLARED_APIS

    def variables(self) -> dict[str, str]:
        """Return the standard variables with which every AWS client calls this cloud only."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": str(self.folder / "aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            # The CDK CLI remembers the account of each access key here: not in the user's own folder.
            "CDK_HOME": str(self.folder / "cdk"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "TMPDIR": str(self.folder / "tmp"),
            conditions.VARIABLE: str(self.conditions),
        }

    def environment(self) -> dict[str, str]:
        """Return the environment of a process: the caller's without AWS settings, and ``variables``."""
        return {**_without_aws(os.environ), **self.variables()}


@contextmanager
def running(
    *,
    port: int = 0,
    endpoint_seconds: float = 1.0,
    restore: Callable[[Path], object] | None = None,
    kept: Path | None = None,
) -> Iterator[Cloud]:
    """Run a local cloud on 127.0.0.1 for as long as the context lasts.

    Args:
        port: where to listen; default a free port.
        endpoint_seconds: how long an endpoint takes to be created, updated or deleted.
        restore: copies what another run wrote as ``kept`` into the folder that it gets; default nothing.
        kept: a folder to create at the end, with the state at that time; default none.

    Raises:
        CloudError: its tools are missing, the port is in use, or it does not start.

    """
    if not SERVER_PYTHON.exists():
        raise CloudError("the local cloud is not installed: run `make install`")
    bound = _bound(port)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    run_folders.remove_orphans(RUNS)
    folder = run_folders.create(RUNS)
    (folder / "tmp").mkdir()
    try:
        with bound:  # until the server has it
            if restore:
                restore(folder)
            server = _start(bound, folder, endpoint_seconds, persists=bool(restore or kept))
        try:
            _wait(server, url, folder / "server.log")
            yield Cloud(url, folder, *_user_keys(url, server.args, folder / _KEYS))
        finally:
            _stop(server)
        if kept:
            _keep(folder, kept)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Server:
    process: subprocess.Popen[bytes]
    args: tuple[str, str]


def _start(bound: socket, folder: Path, endpoint_seconds: float, *, persists: bool) -> _Server:
    root_keys = f"ASIAROOT{secrets.token_hex(6).upper()}", secrets.token_hex(20)
    environment = {
        **_without_aws(os.environ),
        "GATEWAY_PORT": str(bound.getsockname()[1]),
        "LOCAL_AWS_SOCKET": str(bound.fileno()),
        "BIND_HOST": "127.0.0.1",
        "AUTH": "true",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "AWS_ACCESS_KEY_ID": root_keys[0],
        "AWS_SECRET_ACCESS_KEY": root_keys[1],
        "AWS_DEFAULT_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "LOG_LEVEL": "WARNING",
        "LOCAL_AWS_ENDPOINT_SECONDS": str(endpoint_seconds),
        conditions.VARIABLE: str(folder / "conditions.json"),
        conditions.DECLARED_APIS_VARIABLE: str(folder / _DECLARED_APIS),
        "PERSIST_STATE": str(int(persists)),
        "STATE_DIR": str(folder / _STATE / "services"),
        "S3_PERSIST": str(int(persists)),
        "S3_DATA_DIR": str(folder / _STATE / "s3"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LOCAL_AWS_BYTECODE": str(RUNS / "bytecode"),
        "LOCAL_AWS_ACCEPTED": str(RUNS / "accepted-templates"),
        "TMPDIR": str(folder / "tmp"),
    }
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [SERVER_PYTHON, "-m", "local_aws.server"],
            cwd=ROOT,
            env=environment,
            pass_fds=[bound.fileno()],
            stdin=subprocess.PIPE,  # the server ends when this pipe closes, also when this process is killed
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C must not reach the server before the commands that use it have ended
        )
    return _Server(process, root_keys)


def _wait(server: _Server, url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
            raise CloudError(f"the local cloud ended at once: {last[0]}")
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=2):  # noqa: S310 - our own loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise CloudError(f"the local cloud did not answer within {START_SECONDS:.0f} s")


def _stop(server: _Server) -> None:
    """End the server, which may write its state first, and the function processes that it started."""
    if server.process.stdin:
        server.process.stdin.close()
    processes.end(server.process, whole_group=False)


def _keep(folder: Path, kept: Path) -> None:
    """Copy what another run needs to continue from here; the folder appears in one step."""
    draft = run_folders.create(kept.parent)
    for name in (_STATE, _KEYS, _DECLARED_APIS, ASSEMBLY):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, draft / name)
        elif (folder / name).exists():
            shutil.copy(folder / name, draft / name)
    draft.rename(kept)


def _user_keys(url: str, root_keys: tuple[str, str], file: Path) -> tuple[str, str]:
    """Return the keys of a user. The root's keys are not used: MiniStack does not check their permissions.

    A restored cloud has the user already, and the file has the keys.
    """
    if file.exists():
        return tuple(json.loads(file.read_text("utf-8")))
    iam = boto3.client(
        "iam", endpoint_url=url, region_name=REGION, aws_access_key_id=root_keys[0], aws_secret_access_key=root_keys[1]
    )
    iam.create_user(UserName=USER)
    iam.attach_user_policy(UserName=USER, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    keys = key["AccessKeyId"], key["SecretAccessKey"]
    file.write_text(json.dumps(keys), encoding="utf-8")
    return keys


def _bound(port: int) -> socket:
    try:
        return ports.take(port)
    except OSError as error:
        raise CloudError(
            f"port {port} of 127.0.0.1 cannot be used ({error.strerror}): choose another, PORT={port + 1}, "
            "or none for a free one"
        ) from None


def _without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in environment.items() if not k.startswith(("AWS_", "CDK_")) or k == "AWS_CA_BUNDLE"}
    # Requests to this machine must not go through a proxy.
    direct = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1"]))
    return {**kept, "NO_PROXY": direct, "no_proxy": direct}
