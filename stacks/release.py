"""Writes what an assembly was made from beside it: ``make synth`` calls it, ``deploy.mjs`` reads it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from stacks.names import PROJECT

ROOT = Path(__file__).parents[1]
FILE = "release.json"


def commit(root: Path = ROOT) -> str:
    """Return the checkout's commit, with ``-dirty`` when files differ from it; ``unknown`` outside a repository."""
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def files(assembly: Path) -> str:
    """Return a hash of an assembly's files, by which ``deploy.mjs`` knows that they are those of its release.json.

    Hidden files, and what the CDK CLI leaves beside the assembly, do not count.
    """
    found = hashlib.sha256()
    for name, path in sorted((path.relative_to(assembly).as_posix(), path) for path in assembly.rglob("*")):
        left = "/" not in name and (name == FILE or name.endswith(".lock"))
        if path.is_file() and not left and "/." not in f"/{name}":
            found.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n".encode())
    return found.hexdigest()


def write(assembly: Path) -> None:
    """Write the project, the commit, the version of the CDK CLI and a hash of the files into an assembly.

    Raises:
        SystemExit: there is no assembly in the folder.

    """
    if not (assembly / "manifest.json").exists():
        raise SystemExit(f"{assembly}: holds no assembly: run `make synth`")
    cli = json.loads((ROOT / "node_modules" / "aws-cdk" / "package.json").read_text("utf-8"))["version"]
    content = {"project": PROJECT, "commit": commit(), "cli": cli, "files": files(assembly)}
    (assembly / FILE).write_text(json.dumps(content, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
