"""``endpointctl deployments`` and ``endpointctl assembly``: what was deployed, and the assembly of it."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from endpointctl.aws import Aws
from endpointctl.deployments import DAMAGED, Deployments
from endpointctl.failure import Failure
from endpointctl.output import show
from stacks import settings

Environment = Annotated[str, typer.Option("--env", help="The environment; its file may be gone.", envvar="ENV")]
Region = Annotated[str | None, typer.Option(help="Its region, when its file is gone. Default: as in the file.")]


def deployments(
    env: Environment = "dev",
    region: Region = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the recorded deployments of an environment, and which one it runs."""
    found = _of(env, region)
    if as_json:
        runs = found.running
        rows = [{**asdict(one), "runs": one == runs} for one in found.recorded]
        show(json.dumps(rows, indent=2))
        return
    for one in found.recorded:
        state = "  runs" if one == found.running else "  failed" if one.failed else ""
        show(f"{one.time}  {one.commit}  {one.kind}{state}")
    if not found.recorded:
        show(f"{env}: no deployment is recorded")
    elif found.running is None:
        show(f"{env}: what is deployed is none of these")


def assembly(
    out: Annotated[Path, typer.Option(help="The folder to write; it must not exist.")],
    env: Environment = "dev",
    region: Region = None,
    previous: Annotated[bool, typer.Option("--previous", help="What ran before, for a rollback.")] = False,
    commit: Annotated[str | None, typer.Option(help="That of this commit, by at least 7 digits.")] = None,
) -> None:
    """Write the assembly that an environment runs, or ran, into a folder, for `make deploy` or `make destroy`."""
    if previous and commit:
        raise Failure("--previous and --commit exclude each other: leave one out")
    if out.exists():
        raise Failure(f"--out {out}: exists already: name a new folder")
    found = _of(env, region)
    one = found.of_commit(commit) if commit else found.previous() if previous else found.kept()
    try:
        _extract(found.assembly(one), out, {"environment": env, "time": one.time})
    except DAMAGED:
        raise Failure(f"{env}: the record of {one.time} is damaged: name another commit with --commit") from None
    except OSError as error:
        raise Failure(f"--out {out}: {error.strerror}: name another folder") from None
    show(f"{env}: the assembly of commit {one.commit}, deployed {one.time}, is in {out}")


def _extract(content: bytes, out: Path, recorded: dict[str, str]) -> None:
    """Write an assembly into a folder: all of it or, when the disk or the file is no good, nothing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        folder = Path(scratch) / "assembly"
        with zipfile.ZipFile(io.BytesIO(content)) as files:
            files.extractall(folder)
            release = {**json.loads(files.read("release.json")), "recorded": recorded}
        (folder / "release.json").write_text(json.dumps(release), "utf-8")
        folder.rename(out)


def _of(env: str, region: str | None) -> Deployments:
    account = None
    if env in settings.names():
        environment = settings.read(env)
        region, account = region or environment.region, environment.account
    if region is None:
        raise Failure(f"environments/{env}.yaml does not exist: name the region that {env} is in: --region")
    aws = Aws(region)
    aws.caller_in(account, env)
    return Deployments(aws, env)
