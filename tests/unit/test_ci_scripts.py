"""The pipelines' small programs in .ci/: GitHub's comment and issue, and the nightly look."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stacks.settings import ENVIRONMENTS

ROOT = ENVIRONMENTS.parent
GH = ROOT / "tests" / "support" / "actions"


def run(
    folder: Path, script: str, *arguments: str, path: Path = GH, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{path}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "acme/cohere", **variables}
    environment |= {"GITHUB_KEPT_IN": str(folder / "github.json"), "HOME": str(folder)}
    command = [sys.executable, str(ROOT / ".ci" / script), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def kept(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "github.json").read_text("utf-8")))


def test_a_pull_request_has_one_comment_of_ours(tmp_path: Path) -> None:
    others = {"comments": [{"id": 1, "body": "Nice"}], "issues": []}
    (tmp_path / "github.json").write_text(json.dumps(others), "utf-8")
    for text in ("first", "second"):
        (tmp_path / "changes.md").write_text(text, "utf-8")
        assert run(tmp_path, "github.py", "comment", "--number", "7", "--file", "changes.md").returncode == 0
    bodies = [one["body"] for one in kept(tmp_path)["comments"]]
    assert bodies == ["Nice", "<!-- make comment -->\nsecond"]


def test_a_long_comment_is_shortened(tmp_path: Path) -> None:
    (tmp_path / "changes.md").write_text("```text\n" + "x" * 70_000 + "\n```\n", "utf-8")
    assert run(tmp_path, "github.py", "comment", "--number", "7", "--file", "changes.md").returncode == 0
    (comment,) = kept(tmp_path)["comments"]
    assert len(comment["body"]) < 65_536
    assert comment["body"].endswith("xxx\n```\n\n(shortened: the job's log has all of it)")


def test_the_issue_is_opened_updated_closed_and_opened_again(tmp_path: Path) -> None:
    states = []
    for text in ("", "drift", "more drift", "", "", "drift again"):
        (tmp_path / "nightly.md").write_text(text, "utf-8")
        assert run(tmp_path, "github.py", "issue", "--file", "nightly.md").returncode == 0
        issues = kept(tmp_path)["issues"] if (tmp_path / "github.json").exists() else []
        states.append([(one["state"], one["body"]) for one in issues])
    assert states == [
        [],
        [("open", "drift")],
        [("open", "more drift")],
        [("closed", "more drift")],
        [("closed", "more drift")],
        [("closed", "more drift"), ("open", "drift again")],
    ]


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        ("comment --file changes.md", {}, "--number is missing: give the pull request's number"),
        ("comment --number 7 --file none.md", {}, "none.md"),
        ("comment --number 7 --file changes.md", {"GITHUB_REPOSITORY": ""}, "give the repository as owner/name"),
        ("issue --file changes.md", {"PATH": "/nonexistent"}, "gh cannot be run (No such file or directory): install"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, arguments: str, variables: Any, message: str) -> None:
    (tmp_path / "changes.md").write_text("text", "utf-8")
    done = run(tmp_path, "github.py", *arguments.split(), **variables)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_github_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "gh").write_text("#!/bin/sh\necho 'HTTP 403: Resource not accessible' >&2\nexit 1\n", "utf-8")
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "changes.md").write_text("text", "utf-8")
    done = run(tmp_path, "github.py", "issue", "--file", "changes.md", path=tmp_path)
    assert (done.returncode, done.stderr) == (1, "GitHub refused: HTTP 403: Resource not accessible\n")


def test_the_nightly_look(tmp_path: Path) -> None:
    (tmp_path / "make").write_text(
        '#!/bin/sh\necho "$*"\ncase "$*" in *ENV=prod*) echo "```drift```" >&2; exit 2 ;; esac\n', "utf-8"
    )
    (tmp_path / "make").chmod(0o755)
    done = run(tmp_path, "nightly.py", "--file", "nightly.md", "dev", "prod", path=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "Drift in dev: none"
    text = (tmp_path / "nightly.md").read_text("utf-8")
    assert text.startswith("### Drift in prod\n\n```text\n--no-print-directory drift ENV=prod ARGS=--ci --no-color\n")
    assert text.count("```") == 2
    clean = run(tmp_path, "nightly.py", "--file", "nightly.md", "dev", path=tmp_path)
    assert (clean.returncode, (tmp_path / "nightly.md").read_text("utf-8")) == (0, "")
