"""The assemblies that the app makes of the environments and of the examples, synthesized once for all tests."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stacks.settings import ENVIRONMENTS

ROOT = ENVIRONMENTS.parent
EXAMPLES = ROOT / "docs" / "examples"
UNCHECKED = "cdk.App(builtin_cloud_formation_validation=False, "
SOURCES = ("stacks", "constructs", "environments", "lambda")


def synthesize(
    outdir: Path, *, root: Path = ROOT, arguments: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run app.py by itself, context and output folder in variables: unlike under the CLI, every finding is an error."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    cli = {"CDK_OUTDIR": str(outdir), "CDK_CONTEXT_JSON": json.dumps({**context, **(arguments or {})})}
    environment = {**os.environ, **cli, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "app.py"]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def copy_of_the_app(folder: Path, *, checked: bool = True) -> Path:
    """Copy what synth needs, so that a test can change it.

    Args:
        folder: where to.
        checked: whether its synth runs the packs and rules, which takes half of its time and changes no template.

    """
    folder.mkdir()
    for name in ("app.py", "cdk.json"):
        shutil.copy(ROOT / name, folder / name)
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    if not checked:
        app = (ROOT / "app.py").read_text("utf-8")
        without = app.replace("    validation.add_to(app)\n", "").replace("cdk.App(", UNCHECKED)
        assert without.count("\n") == app.count("\n") - 1
        (folder / "app.py").write_text(without, "utf-8")
    return folder


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the environments' assembly, with all validation on."""
    folder = tmp_path_factory.mktemp("assembly")
    done = synthesize(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def example_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the assembly of docs/examples, used as environments."""
    folder = tmp_path_factory.mktemp("examples")
    app = copy_of_the_app(folder / "app")
    for path in (app / "environments").glob("*.yaml"):
        path.unlink()
    for path in EXAMPLES.glob("*.yaml"):
        shutil.copy(path, app / "environments")
    done = synthesize(folder / "out", root=app)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out"


def _templates(assembly: Path) -> dict[str, dict[str, Any]]:
    return {
        f"{nested.name.removeprefix('assembly-')}/{template.name.split('.')[0]}": json.loads(
            template.read_text(encoding="utf-8")
        )
        for nested in sorted(assembly.glob("assembly-*"))
        for template in sorted(nested.glob("*.template.json"))
    }


@pytest.fixture(scope="session")
def templates(assembly: Path, example_assembly: Path) -> dict[str, dict[str, Any]]:
    """Return every template by ``environment/stack``."""
    return {**_templates(assembly), **_templates(example_assembly)}
