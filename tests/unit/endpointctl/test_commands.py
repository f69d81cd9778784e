"""The command line where nothing is deployed: each wrong start ends in one line and exit code 1."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from endpointctl.commands.generate import generate
from endpointctl.failure import Failure
from stacks import settings
from stacks.settings import ENVIRONMENTS, Settings

ROOT = ENVIRONMENTS.parent


def run(tmp_path: Path, *arguments: str, **variables: str) -> tuple[int, list[str]]:
    nobody = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    environment = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true", **nobody, **variables}
    command = [sys.executable, "-m", "endpointctl", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize("command", [["check"], ["generate", "hello"]])
def test_no_credentials(tmp_path: Path, command: list[str]) -> None:
    code, lines = run(tmp_path, *command, "--env", "dev")
    assert code == 1
    remedy = "`aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    assert lines == [f"no AWS credentials: sign in first: {remedy}"]


def test_the_version(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    command = [sys.executable, "-m", "endpointctl", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"endpointctl {project['version']}\n"


def test_a_wrong_environment(tmp_path: Path) -> None:
    code, lines = run(tmp_path, "check", "--env", "stage")
    assert code == 1
    assert lines == [
        "environment: 'stage' does not exist; allowed: demo, dev, local, prod; or add environments/stage.yaml"
    ]


def test_a_wrong_profile(tmp_path: Path) -> None:
    code, lines = run(tmp_path, "check", "--env", "dev", AWS_PROFILE="nobody")
    assert code == 1
    assert lines == ["The config profile (nobody) could not be found: choose one of `aws configure list-profiles`"]


def test_nobody_answers(tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_MAX_ATTEMPTS": "1"}
    code, lines = run(tmp_path, "check", "--env", "dev", AWS_ENDPOINT_URL="http://127.0.0.1:1", **keys)
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith("AWS cannot be reached: ")
    assert "is the local cloud still up?" in lines[0]


def test_an_environment_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENTS", ROOT / "docs" / "examples")
    monkeypatch.setattr(Settings, "api", property(lambda _: "summarize"))
    with pytest.raises(Failure, match=r"the package answers summarize, .*cohere-embed"):
        generate("hello", env="embed-v4")


def test_the_catalogue(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "COLUMNS": "40"}
    command = [sys.executable, "-m", "endpointctl", "models"]
    table = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    rows = [line.split()[:4] for line in table.splitlines()]
    assert ["command-r-08-2024", "chat", "ml.p5.48xlarge", "required"] in rows
    assert "16 regions: us-east-1, " in table
    done = subprocess.run([*command, "--json"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    entries = json.loads(done.stdout)
    assert len(entries) == 35
    assert entries[3]["id"] == "cohere-gpt-medium-v1-5-15e34931a06235b7bac32dca396a970a"


@pytest.mark.parametrize(("redirected", "code", "lines"), [("> /dev/full", 1, 1), (">&-", 0, 0)])
@pytest.mark.parametrize("option", ["", "--json"])
def test_a_standard_output_that_takes_nothing(redirected: str, code: int, lines: int, option: str) -> None:
    command = f"{sys.executable} -m endpointctl models {option} {redirected}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if line]
    assert (done.returncode, len(errors)) == (code, lines), done.stderr
