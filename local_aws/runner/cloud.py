"""Starts the local cloud's server, hands out credentials for it, and leaves nothing behind.

Runs in the project's own virtual environment; the server runs in another (``.tools/local-cloud``), because MiniStack
pins a botocore of its own.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import boto3

from local_aws import conditions

ROOT = Path(__file__).parents[2]
RUNS = ROOT / ".local-cloud"
SERVER_PYTHON = ROOT / ".tools" / "local-cloud" / "bin" / "python"
ACCOUNT = "111122223333"
REGION = "us-east-1"
USER = "workstation"
START_SECONDS = 60.0
ASSEMBLY = "cdk.out"
"""The folder in a cloud's scratch folder for the assembly that is deployed there."""

_STATE, _KEYS = "state", "keys.json"


class CloudError(Exception):
    """The local cloud cannot be started; one line says why and what to do."""


@dataclass(frozen=True)
class Cloud:
    """A running local cloud.

    Attributes:
        url: where it listens.
        folder: its scratch folder inside the checkout, removed when it ends.
        access_key: of the IAM user ``workstation``, an administrator whose signatures are really checked.
        secret_key: likewise.

    """

    url: str
    folder: Path
    access_key: str
    secret_key: str

    @property
    def conditions(self) -> Path:
        """Return the file of ``local_aws.conditions``."""
        return self.folder / "conditions.json"

    def variables(self) -> dict[str, str]:
        """Return the standard variables that lead every AWS client to this cloud and to nothing else."""
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
        """Return a whole process environment: the caller's without its AWS settings, and ``variables``."""
        return {**_without_aws(os.environ), **self.variables()}


@contextmanager
def running(
    *, port: int = 0, endpoint_seconds: float = 1.0, restored: Path | None = None, kept: Path | None = None
) -> Iterator[Cloud]:
    """Run a local cloud on 127.0.0.1 for as long as the context lasts.

    Args:
        port: where to listen; default a free port.
        endpoint_seconds: how long an endpoint takes to be created, updated or deleted.
        restored: a folder that another run wrote as ``kept``: everything begins as it was then; default empty.
        kept: a folder to be made when it ends, with all that is there then; default none.

    Raises:
        CloudError: its tools are missing, the port is in use, or it does not start.

    """
    if not SERVER_PYTHON.exists():
        raise CloudError("the local cloud is not installed: run `make install`")
    port = _free_port(port)
    RUNS.mkdir(exist_ok=True)
    _remove_orphans()
    folder = Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=RUNS))
    (folder / "tmp").mkdir()
    try:
        if restored:
            shutil.copytree(restored, folder, dirs_exist_ok=True)
        server = _start(port, folder, endpoint_seconds, persists=bool(restored or kept))
        try:
            url = f"http://127.0.0.1:{port}"
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


def _start(port: int, folder: Path, endpoint_seconds: float, *, persists: bool) -> _Server:
    root_keys = f"ASIAROOT{secrets.token_hex(6).upper()}", secrets.token_hex(20)
    environment = {
        **_without_aws(os.environ),
        "GATEWAY_PORT": str(port),
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
        "PERSIST_STATE": str(int(persists)),
        "STATE_DIR": str(folder / _STATE / "services"),
        "S3_PERSIST": str(int(persists)),
        "S3_DATA_DIR": str(folder / _STATE / "s3"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(folder / "tmp"),
    }
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [SERVER_PYTHON, "-m", "local_aws.server"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,  # its end tells the server that we are gone, however we went
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us: we end the server when what runs on it has ended
        )
    return _Server(process, root_keys)


def _wait(server: _Server, url: str, log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
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
    """End the server and the function processes it started."""
    process = server.process
    if process.stdin:
        process.stdin.close()
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait(10)


def _keep(folder: Path, kept: Path) -> None:
    """Copy what another run needs to go on from here; in one step, so that nobody finds half of it."""
    draft = Path(tempfile.mkdtemp(dir=kept.parent))
    for name in (_STATE, _KEYS, ASSEMBLY):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, draft / name)
        elif (folder / name).exists():
            shutil.copy(folder / name, draft / name)
    draft.rename(kept)


def _user_keys(url: str, root_keys: tuple[str, str], file: Path) -> tuple[str, str]:
    """Return the keys that are handed out: those of a user, since those of the root would pass every check unread.

    A restored cloud has the user, and the file its keys.
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


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise CloudError(
                f"port {wanted} of 127.0.0.1 cannot be used ({error.strerror}): choose another, PORT={wanted + 1}, "
                "or none for a free one"
            ) from None
        return int(probe.getsockname()[1])


def _remove_orphans() -> None:
    """Remove the scratch folders of those that were killed and could not do it themselves."""
    for folder in RUNS.glob("run-*"):
        try:
            os.kill(int(folder.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue  # it lives, and is somebody else's


def _without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in environment.items() if not k.startswith(("AWS_", "CDK_")) or k == "AWS_CA_BUNDLE"}
    # A proxy for the way out is not to see requests to ourselves.
    direct = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1"]))
    return {**kept, "NO_PROXY": direct, "no_proxy": direct}
