"""`endpointctl changes` on a git repository, as a pipeline runs it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.templates import ROOT, copy_of_the_app


def test_the_command_on_a_repository(tmp_path: Path) -> None:
    """A commit, then an edit: a harmless one, one that loses the endpoint, and one that removes the environment."""
    root = copy_of_the_app(tmp_path / "app")
    git = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "app.py", "cdk.json", "stacks", "constructs", "environments", "lambda"], check=True)
    subprocess.run([*git, "commit", "-qm", "base"], check=True)
    file = root / "environments" / "dev.yaml"

    file.write_text(file.read_text("utf-8").replace("xlarge", "2xlarge"), "utf-8")
    harmless = _changes(root)
    assert harmless.returncode == 0, harmless.stderr
    assert "dev/endpoint: 2 of 9 resources change: a new fleet beside the old one" in harmless.stdout
    assert "dev/proxy: 0 of 17 resources change" in harmless.stdout

    file.write_text(file.read_text("utf-8").replace("cohere-dev", "cohere-new"), "utf-8")
    lossy = _changes(root)
    assert lossy.returncode == 1
    assert lossy.stderr.startswith("dev/endpoint: Endpoint8024A810 would be replaced: ")
    assert "Traceback" not in lossy.stderr

    file.unlink()
    removed = _changes(root, [])
    assert removed.returncode == 1
    assert removed.stderr.startswith("dev: its file is gone, and whether it is still deployed is not known (no AWS cr")
    assert "prod/endpoint: 0 of" in removed.stdout


def _changes(root: Path, chosen: Sequence[str] = ("--env", "dev")) -> subprocess.CompletedProcess[str]:
    # The code under test, on another checkout: ROOT is where endpointctl lies by default.
    script = (
        "import pathlib, endpointctl.templates as r, stacks.settings as s, endpointctl.cli as c;"
        f"r.ROOT = pathlib.Path({str(root)!r}); s.ENVIRONMENTS = r.ROOT / 'environments'; c.main()"
    )
    command = [sys.executable, "-c", script, "changes", "--base", "HEAD", *chosen]
    nobody = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {**kept, **nobody, "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
