"""The make targets of one stack: a change by hand is reported, and a deployment of another config corrects it."""

import re
import subprocess
from pathlib import Path

from tests.support.cloud import Deployed, edit_by_hand, state
from tests.support.templates import ROOT, copy_of_the_app

CHOSEN = ("local/endpoint", "-c", "environment=local")


def make(
    deployed: Deployed, folder: Path, *arguments: str, options: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a target for the local environment; its assembly lies beside those of other tests."""
    command = ["make", *arguments, "ENV=local", f"ARGS=--ci --output {folder / 'out'} {options}"]
    environment = {**deployed.cloud.environment(), "CDK_VALIDATION": "false"}
    # `make proofs` hands its own options down; they must not change what this one prints.
    environment = {name: value for name, value in environment.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        command, cwd=ROOT, env={**environment, **variables}, capture_output=True, text=True, check=False
    )


def test_one_stack_alone(deployed: Deployed, tmp_path: Path) -> None:
    done = make(deployed, tmp_path, "deploy", "STACK=proxy", options="--require-approval never")
    assert not done.returncode, done.stderr
    assert re.search(r"local/proxy.* \(no changes\)", done.stdout)
    assert "cohere-local-endpoint" not in done.stdout
    assert not make(deployed, tmp_path, "help", STACK="a variable of the caller's own").returncode
    typo = make(deployed, tmp_path, "deploy", "STACK=typo")
    assert (typo.returncode, typo.stdout) == (2, "")
    assert "STACK=typo is no stack of an environment; allowed: endpoint, proxy" in typo.stderr


def test_drift(deployed: Deployed, tmp_path: Path) -> None:
    app = copy_of_the_app(tmp_path / "app")
    edit_by_hand(deployed)
    drift = make(deployed, tmp_path, "drift", "STACK=endpoint")
    assert drift.returncode
    assert "AWS::SageMaker::Endpoint" in drift.stdout
    assert "by-hand" in drift.stdout
    assert "local drifted, or could not be compared: see above." in drift.stderr
    larger = (app / "environments" / "local.yaml").read_text("utf-8").replace("xlarge", "2xlarge")
    deployed.cdk(
        "deploy",
        *CHOSEN,
        "--exclusively",
        "--require-approval",
        "never",
        folder=app,
        files={"environments/local.yaml": larger},
    )
    assert state(deployed)[0] == "InService"
    corrected = make(deployed, tmp_path, "drift", "STACK=endpoint")
    assert not corrected.returncode, corrected.stdout
