"""Templates and assemblies of the app, each synthesized once for all test processes."""

import copy
import fcntl
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from stacks.names import STACKS
from stacks.settings import ENVIRONMENTS, Settings, files
from stacks.stage import LlmStage

ROOT = ENVIRONMENTS.parent
EXAMPLES = ROOT / "docs" / "examples"
SOURCES = ("stacks", "constructs", "environments", "lambda")
CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]

Content = dict[str, Any]
Templates = dict[str, dict[str, Any]]


def content_of(path: Path) -> Content:
    """Return the content of an environment's file, with that of the files that it extends."""
    return files.read(path).values


def changed(content: Content, changes: dict[str, Any]) -> Content:
    """Return a copy with other values by their keys; None takes a key away."""
    content = copy.deepcopy(content)
    for key, value in changes.items():
        section = content
        *path, last = key.split(".")
        for name in path:
            section = section.setdefault(name, {})
        if value is None:
            section.pop(last)
        else:
            section[last] = copy.deepcopy(value)
    return content


def templates_of(content: Content, environment: str) -> Templates:
    """Return an environment's templates by stack, made in this process, unvalidated, as the CLI makes them."""
    return copy.deepcopy(_templates_of(yaml.safe_dump(content), environment))


@cache
def _templates_of(text: str, environment: str) -> Templates:
    # With the context of cdk.json: feature flags change templates.
    app = App(builtin_cloud_formation_validation=False, analytics_reporting=False, context=CONTEXT)
    stage = LlmStage(app, environment, settings=Settings.model_validate(yaml.safe_load(text)))
    stacks = [child for child in stage.node.children if isinstance(child, Stack)]
    return {stack.node.id: dict(Template.from_stack(stack).to_json()) for stack in stacks}


def synthesize(outdir: Path, *, root: Path = ROOT, validated: bool = True) -> subprocess.CompletedProcess[str]:
    """Run app.py by itself, context and output folder in variables: unlike under the CLI, every finding is an error."""
    variables = {"CDK_OUTDIR": str(outdir), "CDK_CONTEXT_JSON": json.dumps(CONTEXT), "PYTHONDONTWRITEBYTECODE": "1"}
    if not validated:
        variables["CDK_VALIDATION"] = "false"
    command = [sys.executable, "app.py"]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def copy_of_the_app(folder: Path) -> Path:
    """Copy what synth needs, so that a test can change it."""
    folder.mkdir()
    for name in ("app.py", "cdk.json"):
        shutil.copy(ROOT / name, folder / name)
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def environments_of(app: Path, paths: list[Path]) -> None:
    """Let a copy of the app have these environments and no others."""
    for path in (app / "environments").glob("*.yaml"):
        path.unlink()
    for path in paths:
        shutil.copy(path, app / "environments")


def shared_assembly(tmp_path_factory: pytest.TempPathFactory, name: str, paths: list[Path] | None) -> Path:
    """Return the assembly of the environments, or of other files used as environments; one process makes it.

    Args:
        tmp_path_factory: pytest's.
        name: the folder's name.
        paths: the files of the environments; None for those of the checkout.

    """
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = base / name
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            root = ROOT
            if paths is not None:
                root = copy_of_the_app(base / f"{name}-app")
                environments_of(root, paths)
            draft = base / f"{name}-draft"
            done = synthesize(draft, root=root)
            assert done.returncode == 0, done.stdout + done.stderr
            draft.rename(folder)
    return folder


def templates_in(assembly: Path) -> Templates:
    """Return an assembly's templates by ``environment/stack``."""
    return {
        f"{nested.name.removeprefix('assembly-')}/{_stack_id(template, nested)}": json.loads(
            template.read_text(encoding="utf-8")
        )
        for nested in sorted(assembly.glob("assembly-*"))
        for template in sorted(nested.glob("*.template.json"))
    }


def _stack_id(template: Path, nested: Path) -> str:
    # The file's name is that of the stage without hyphens, the stack's id, and a hash.
    stage = nested.name.removeprefix("assembly-").replace("-", "")
    return next(stack for stack in STACKS if template.name.removeprefix(stage).startswith(stack))
