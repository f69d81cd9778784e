"""The templates of the checkout and of any commit, synthesized offline."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from endpointctl.failure import Failure
from stacks.settings import ENVIRONMENTS, Settings, files
from stacks.settings.errors import SettingsError

ROOT = ENVIRONMENTS.parent


def of_checkout(environment: str | None) -> dict[str, dict[str, Any]]:
    """Return the checkout's templates by ``environment/stack``.

    Args:
        environment: only this one; default all.

    Raises:
        Failure: it does not synthesize.

    """
    return _templates(ROOT, environment, "the checkout")


def of_commit(commit: str, environment: str | None) -> dict[str, dict[str, Any]]:
    """Return a commit's templates by ``environment/stack``, synthesized with the tools that are installed.

    Args:
        commit: anything that git takes for one.
        environment: only this one; default all. One that the commit does not have has no templates.

    Raises:
        Failure: there is no such commit, or it does not synthesize.

    """
    # The hash, never the text itself: `git archive` would take "--output=FILE" for an option.
    archive = _git("archive", "--format=tar", _hash(commit))
    if archive.returncode:
        raise Failure(f"BASE {commit!r}: git archive fails: {_last_line(archive)}")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(folder, filter="data")
        root = Path(folder)
        if environment and not (root / "environments" / f"{environment}.yaml").exists():
            return {}
        return _templates(root, environment, commit)


def place_of(commit: str, environment: str) -> tuple[str, str | None]:
    """Return region and account of an environment as a commit's file names them; None for an account it leaves open.

    Raises:
        Failure: the commit has no such file, or neither the file nor one that it extends names a region.

    """
    content = _content(commit, environment)
    if not isinstance(content.get("region"), str):
        raise Failure(f"BASE {commit!r}: environments/{environment}.yaml names no region")
    return content["region"], content.get("account")


def settings_of(commit: str, environment: str) -> Settings | None:
    """Return an environment's settings in a commit; None when the checkout's code does not accept them.

    Raises:
        Failure: there is no such commit.

    """
    try:
        return Settings.model_validate(_content(commit, environment))
    except ValidationError:
        return None


def _content(commit: str, environment: str) -> dict[str, Any]:
    """Return what an environment's file has in a commit, with those that it extends; empty when it cannot be read."""
    base = _hash(commit)

    def read(place: PurePosixPath) -> bytes:
        found = _git("show", f"{base}:environments/{place}")
        if found.returncode:
            raise FileNotFoundError
        return found.stdout

    try:
        return dict(files.merge(f"{environment}.yaml", read).values)
    except (OSError, SettingsError):
        return {}


def _hash(commit: str) -> str:
    """Return a commit's hash.

    Raises:
        Failure: the text names no commit.

    """
    remedy = "give a branch, tag or hash"
    if commit.startswith("-"):
        raise Failure(f"BASE {commit!r} is an option, not a commit: {remedy}")
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    if found.returncode:
        raise Failure(f"BASE {commit!r} is no commit of this repository: {remedy}")
    return found.stdout.decode().strip()


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)


def _last_line(done: subprocess.CompletedProcess[bytes]) -> str:
    return "".join(done.stderr.decode(errors="replace").strip().splitlines()[-1:])


def _templates(root: Path, environment: str | None, what: str) -> dict[str, dict[str, Any]]:
    context = json.loads((root / "cdk.json").read_text("utf-8"))["context"]
    chosen = {"environment": environment} if environment else {}
    with tempfile.TemporaryDirectory() as folder:
        variables = {"CDK_OUTDIR": folder, "CDK_CONTEXT_JSON": json.dumps({**context, **chosen})}
        # `make synth` reports findings: newer tools may have some in an older commit.
        variables["CDK_VALIDATION"] = "false"
        command = [sys.executable, "app.py"]
        done = subprocess.run(
            command, cwd=root, env={**os.environ, **variables}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failure(f"{what} does not synthesize: {' '.join(done.stderr.strip().splitlines()[-3:])}")
        return _in_assembly(Path(folder))


def of_assembly(assembly: Path, environment: str) -> dict[str, dict[str, Any]]:
    """Return one environment's templates in a cloud assembly, by ``environment/stack``.

    Raises:
        Failure: the folder holds no assembly, or one without this environment.

    """
    try:
        found = _in_assembly(assembly)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(f"--assembly {assembly}: {error}: run `make synth`, and give its folder cdk.out") from None
    chosen = {name: template for name, template in found.items() if name.partition("/")[0] == environment}
    if not chosen:
        raise Failure(f"--assembly {assembly}: has no stack of {environment}: run `make synth`, and give its folder")
    return chosen


def _in_assembly(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        artifact["displayName"]: json.loads(
            (manifest.parent / artifact["properties"]["templateFile"]).read_text("utf-8")
        )
        for manifest in folder.glob("assembly-*/manifest.json")
        for artifact in json.loads(manifest.read_text("utf-8"))["artifacts"].values()
        if artifact["type"] == "aws:cloudformation:stack"
    }
