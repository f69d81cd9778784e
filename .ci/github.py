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

TIMEOUT = 120.0
"""How long one call of ``gh`` may take, in seconds; with all pages of a list."""

COMMENT_MARK = "<!-- make comment -->"
ISSUE_TITLE = "What is deployed differs from the files"
ISSUE_LABEL = "nightly"


class GitHubError(Exception):
    """GitHub refused, or ``gh`` is missing or does not answer. The message is one line."""


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
    """Write the pull request's comment, or write it anew. One of somebody else stays, whatever it begins with.

    Raises:
        GitHubError: GitHub refused.

    """
    body = f"{COMMENT_MARK}\n{text}"
    comments = _pages(f"issues/{number}/comments")
    ours = [one["id"] for one in _own(comments) if (one["body"] or "").startswith(COMMENT_MARK)]
    if ours:
        _api("PATCH", f"issues/comments/{ours[0]}", {"body": body})
    else:
        _api("POST", f"issues/{number}/comments", {"body": body})


def keep_issue(text: str) -> None:
    """Open the issue or update it; close it when there is nothing to say. One of somebody else stays.

    Raises:
        GitHubError: GitHub refused.

    """
    issues = _own(_pages(f"issues?state=open&labels={ISSUE_LABEL}"))
    found = [one for one in issues if one["title"] == ISSUE_TITLE and "pull_request" not in one]
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


def _own(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the comments or issues that the token's user wrote: anybody may write one that looks like ours.

    GraphQL tells the user for every kind of token; ``/user`` refuses the token of a workflow, github-actions[bot].
    """
    answers = _parsed(_gh(["graphql", "-f", "query={viewer{login}}"]))
    try:
        user = answers[0]["data"]["viewer"]["login"]
    except (LookupError, TypeError):
        raise GitHubError("GitHub's answer has no user: run the job again") from None
    return [one for one in found if (one["user"] or {}).get("login") == user]


def _pages(path: str) -> list[dict[str, Any]]:
    joint = "&" if "?" in path else "?"
    pages = _parsed(_gh(["--paginate", f"{_repository()}/{path}{joint}per_page=100"]))
    if not all(isinstance(page, list) for page in pages):
        raise GitHubError("GitHub's answer is no list: run the job again")
    return [one for page in pages for one in page]


def _parsed(text: str) -> list[Any]:
    """Return what ``gh`` prints: a JSON value, or one for each page, depending on its version."""
    found = []
    try:
        while text := text.strip():
            value, end = json.JSONDecoder().raw_decode(text)
            found.append(value)
            text = text[end:]
    except json.JSONDecodeError:
        raise GitHubError(f"GitHub's answer is not JSON ({text[:40]!r}): run the job again") from None
    return found


def _api(method: str, path: str, content: dict[str, Any]) -> None:
    _gh(["--method", method, f"{_repository()}/{path}", "--input", "-"], json.dumps(content))


def _repository() -> str:
    if name := os.environ.get("GITHUB_REPOSITORY"):
        return f"repos/{name}"
    raise GitHubError("GITHUB_REPOSITORY is not set: give the repository as owner/name")


def _gh(arguments: list[str], content: str = "") -> str:
    try:
        command = ["gh", "api", *arguments]
        done = subprocess.run(
            command, input=content, capture_output=True, encoding="utf-8", check=False, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise GitHubError(f"GitHub does not answer within {TIMEOUT:.0f} s: run the job again") from None
    except OSError as error:
        raise GitHubError(f"gh cannot be run ({error.strerror}): install GitHub's command line") from None
    if done.returncode:
        raise GitHubError(f"GitHub refused: {' '.join(done.stderr.split()) or f'gh exits with {done.returncode}'}")
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
