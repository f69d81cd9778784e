"""The pipelines' small programs in .ci/: GitHub's comment and issue, and the nightly look."""

import importlib.util
import json
import os
import subprocess
import sys
import time
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


def script(name: str) -> Any:
    """Return a program as a module, for what cannot be given to it from outside."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kept(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "github.json").read_text("utf-8")))


def test_a_pull_request_has_one_comment_of_ours(tmp_path: Path) -> None:
    written = [(None, "a user that is gone"), ("mallory", "<!-- make comment -->\nAll is well"), ("ann", None)]
    others = {"comments": [by(*each) for each in written], "issues": []}
    (tmp_path / "github.json").write_text(json.dumps(others), "utf-8")
    for text in ("first", "second"):
        (tmp_path / "changes.md").write_text(text, "utf-8")
        assert run(tmp_path, "github.py", "comment", "--number", "7", "--file", "changes.md").returncode == 0
    bodies = [one["body"] for one in kept(tmp_path)["comments"]]
    assert bodies == [*(body for _, body in written), "<!-- make comment -->\nsecond"]


def by(login: str | None, body: str | None, **more: Any) -> dict[str, Any]:
    return {"id": 1, "number": 1, "user": login and {"login": login}, "body": body, **more}


def test_an_issue_of_somebody_else_and_a_pull_request_stay(tmp_path: Path) -> None:
    like_ours = {"state": "open", "title": "What is deployed differs from the files"}
    issues = [by("mallory", "x", **like_ours), by("github-actions[bot]", "y", **like_ours, pull_request={})]
    (tmp_path / "github.json").write_text(json.dumps({"comments": [], "issues": issues}), "utf-8")
    for text in ("", "drift"):
        (tmp_path / "nightly.md").write_text(text, "utf-8")
        assert run(tmp_path, "github.py", "issue", "--file", "nightly.md").returncode == 0
    found = [(each["state"], each["body"]) for each in kept(tmp_path)["issues"]]
    assert found == [("open", "x"), ("open", "y"), ("open", "drift")]


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


COMMENT = json.dumps([{"id": 5, "user": {"login": "me"}, "body": "<!-- make comment -->"}])
USER = json.dumps({"data": {"viewer": {"login": "me"}}})


def fake_gh(folder: Path, comments: str, user: str, written: str) -> None:
    """Make a ``gh`` with shell commands for the list, for the user, and for what is written."""
    text = f'case "$*" in *graphql*) {user} ;; *--method*) echo "$*" >> wrote; {written} ;; *) {comments} ;; esac'
    (folder / "gh").write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    (folder / "gh").chmod(0o755)
    (folder / "changes.md").write_text("text", "utf-8")


@pytest.mark.parametrize(
    ("comments", "user", "written", "line", "wrote"),
    [
        ("echo 'HTTP 403: no' >&2; exit 1", f"echo '{USER}'", "", "GitHub refused: HTTP 403: no", False),
        # The second page fails.
        (f"echo '{COMMENT}'; echo 'HTTP 502' >&2; exit 1", f"echo '{USER}'", "", "GitHub refused: HTTP 502", False),
        (f"echo '{COMMENT}'", "kill -9 $$", "", "GitHub refused: gh exits with -9", False),
        ("echo '[{\"id\": '", f"echo '{USER}'", "", "GitHub's answer is not JSON ('[{\"id\":'): run the job", False),
        ("echo '<html>'", f"echo '{USER}'", "", "GitHub's answer is not JSON ('<html>'): run the job again", False),
        (f"echo '{COMMENT}'", "echo '{}'", "", "GitHub's answer has no user: run the job again", False),
        ("echo '{}'", f"echo '{USER}'", "", "GitHub's answer is no list: run the job again", False),
        (f"echo '{COMMENT}'", f"echo '{USER}'", "echo 'HTTP 403: no' >&2; exit 1", "GitHub refused: HTTP 403", True),
    ],
)
def test_github_fails_in_the_middle(
    tmp_path: Path, comments: str, user: str, written: str, line: str, wrote: bool
) -> None:
    fake_gh(tmp_path, comments, user, written)
    done = run(tmp_path, "github.py", "comment", "--number", "7", "--file", "changes.md", path=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "wrote").exists() is wrote


def test_pages_that_gh_prints_one_after_the_other(tmp_path: Path) -> None:
    """Older versions do not join them."""
    fake_gh(tmp_path, f"echo '[]{COMMENT}'", f"echo '{USER}'", "")
    done = run(tmp_path, "github.py", "comment", "--number", "7", "--file", "changes.md", path=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--method PATCH repos/acme/cohere/issues/comments/5" in (tmp_path / "wrote").read_text("utf-8")


def test_github_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_gh(tmp_path, "exec sleep 60", "", "")
    github = script("github")
    monkeypatch.setattr(github, "TIMEOUT", 0.2)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/cohere")
    with pytest.raises(SystemExit, match=r"^GitHub does not answer within 0 s: run the job again$"):
        github.main(["comment", "--number", "7", "--file", str(tmp_path / "changes.md")])


def test_a_nightly_look_that_hangs_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What make started holds the pipe open; and not everything that it prints is UTF-8."""
    (tmp_path / "make").write_text("#!/bin/sh\nprintf 'first \\377'\nsleep 60 &\nwait\n", "utf-8")
    (tmp_path / "make").chmod(0o755)
    nightly = script("nightly")
    monkeypatch.setattr(nightly, "TIMEOUT", 0.3)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    started = time.monotonic()
    assert nightly.main(["--file", str(tmp_path / "nightly.md"), "dev"]) == 1
    assert time.monotonic() - started < 30
    written = (tmp_path / "nightly.md").read_text("utf-8")
    assert written.count("first \ufffd\nnot known: it took longer than 0 s and was ended: run it again") == 2
    assert "Drift in dev: yes, or not known" in capsys.readouterr().out


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
