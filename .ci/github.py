"""One comment of a pull request, and one issue, kept up to date by GitHub's command line ``gh``.

    python .ci/github.py comment --number 12 --file changes.md
    python .ci/github.py issue --file nightly.md    # an empty file closes it

``gh`` reads the token from ``GH_TOKEN`` and the repository from ``GITHUB_REPOSITORY``. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

LIMIT = 65_000
"""The most characters of a comment or an issue: GitHub allows 65,536.

Source: api.github.com answers "body is too long (maximum is 65536 characters)".
"""

COMMENT_MARK = "<!-- make comment -->"
ISSUE_TITLE = "What is deployed differs from the files"
ISSUE_LABEL = "nightly"


class GitHubError(Exception):
    """GitHub refused, or ``gh`` is missing. The message is one line."""


def main(arguments: list[str]) -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description="Keep a comment or an issue up to date.")
    parser.add_argument("what", choices=["comment", "issue"])
    parser.add_argument("--number", type=int, default=0, help="the pull request")
    parser.add_argument("--file", type=Path, required=True, help="Markdown")
    given = parser.parse_args(arguments)
    try:
        text = _shortened(given.file.read_text("utf-8"))
        if given.what == "issue":
            keep_issue(text)
        elif given.number > 0:
            keep_comment(given.number, text)
        else:
            raise GitHubError("comment: --number is missing: give the pull request's number")
    except (GitHubError, OSError) as error:
        raise SystemExit(str(error)) from None


def keep_comment(number: int, text: str) -> None:
    """Write the pull request's comment, or write it anew.

    Raises:
        GitHubError: GitHub refused.

    """
    body = f"{COMMENT_MARK}\n{text}"
    comments = _pages(f"issues/{number}/comments")
    ours = [one["id"] for one in comments if one["body"].startswith(COMMENT_MARK)]
    if ours:
        _api("PATCH", f"issues/comments/{ours[0]}", {"body": body})
    else:
        _api("POST", f"issues/{number}/comments", {"body": body})


def keep_issue(text: str) -> None:
    """Open the issue or update it; close it when there is nothing to say.

    Raises:
        GitHubError: GitHub refused.

    """
    found = [one for one in _pages(f"issues?state=open&labels={ISSUE_LABEL}") if one["title"] == ISSUE_TITLE]
    number = found[0]["number"] if found else None
    if text.strip():
        content = {"title": ISSUE_TITLE, "body": text, "labels": [ISSUE_LABEL]}
        if number is None:
            _api("POST", "issues", content)
        else:
            _api("PATCH", f"issues/{number}", {"body": text})
    elif number is not None:
        _api("PATCH", f"issues/{number}", {"state": "closed", "state_reason": "completed"})


def _shortened(text: str) -> str:
    if len(text) <= LIMIT:
        return text
    fence = "\n```" if text[:LIMIT].count("```") % 2 else ""
    return f"{text[:LIMIT]}{fence}\n\n(shortened: the job's log has all of it)"


def _pages(path: str) -> list[dict[str, Any]]:
    joint = "&" if "?" in path else "?"
    found: list[dict[str, Any]] = json.loads(_gh(["--paginate", f"{_repository()}/{path}{joint}per_page=100"]) or "[]")
    return found


def _api(method: str, path: str, content: dict[str, Any]) -> None:
    _gh(["--method", method, f"{_repository()}/{path}", "--input", "-"], json.dumps(content))


def _repository() -> str:
    if name := os.environ.get("GITHUB_REPOSITORY"):
        return f"repos/{name}"
    raise GitHubError("GITHUB_REPOSITORY is not set: give the repository as owner/name")


def _gh(arguments: list[str], content: str = "") -> str:
    try:
        done = subprocess.run(["gh", "api", *arguments], input=content, capture_output=True, text=True, check=False)
    except OSError as error:
        raise GitHubError(f"gh cannot be run ({error.strerror}): install GitHub's command line") from None
    if done.returncode:
        raise GitHubError(f"GitHub refused: {' '.join(done.stderr.split()) or f'gh exits with {done.returncode}'}")
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
