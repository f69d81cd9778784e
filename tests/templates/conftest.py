"""The assembly that the app makes, synthesized once for all tests of templates."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stacks.settings import ENVIRONMENTS

ROOT = ENVIRONMENTS.parent


def synthesize(
    outdir: Path, *, root: Path = ROOT, arguments: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run app.py by itself, context and output folder in variables: unlike under the CLI, every finding is an error."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    cli = {"CDK_OUTDIR": str(outdir), "CDK_CONTEXT_JSON": json.dumps({**context, **(arguments or {})})}
    environment = {**os.environ, **cli, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "app.py"]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the synthesized assembly, with all validation on."""
    folder = tmp_path_factory.mktemp("assembly")
    done = synthesize(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def templates(assembly: Path) -> dict[str, dict[str, Any]]:
    """Return every template by ``environment/stack``."""
    return {
        f"{nested.name.removeprefix('assembly-')}/{template.name.split('.')[0]}": json.loads(
            template.read_text(encoding="utf-8")
        )
        for nested in sorted(assembly.glob("assembly-*"))
        for template in sorted(nested.glob("*.template.json"))
    }
