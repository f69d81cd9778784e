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


def synthesize(outdir: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run app.py as the CDK CLI does: context and output folder in variables."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    cli = {"CDK_OUTDIR": str(outdir), "CDK_CONTEXT_JSON": json.dumps(context), "CDK_CLI_ASM_VERSION": "99.0.0"}
    environment = {**os.environ, **cli, **variables}
    command = [sys.executable, "app.py"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


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
