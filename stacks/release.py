"""Writes what an assembly was made from beside it: ``make synth`` calls it, ``deploy.mjs`` reads it."""

from __future__ import annotations

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


def write(assembly: Path) -> None:
    """Write the project, the commit and the version of the CDK CLI into an assembly.

    Raises:
        SystemExit: there is no assembly in the folder.

    """
    if not (assembly / "manifest.json").exists():
        raise SystemExit(f"{assembly}: holds no assembly: run `make synth`")
    cli = json.loads((ROOT / "node_modules" / "aws-cdk" / "package.json").read_text("utf-8"))["version"]
    content = {"project": PROJECT, "commit": commit(), "cli": cli}
    (assembly / FILE).write_text(json.dumps(content, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
