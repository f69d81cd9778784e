"""Which versions, tags and changelogs go together, and what the notes of a release are."""

from pathlib import Path

import pytest
import release_check
from release_check import ReleaseError, check_versions, section

PYPROJECT = '[project]\nname = "x"\nversion = "1.2.3"\n'
CHANGELOG = """# Changelog

## Unreleased

- Next.

## 1.2.3 - 2026-11-25

### Fixed

- A bug.

## [1.2.2] - 2026-10-01

- Older.

## 1.2.1 - 2026-09-01
"""


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("1.2.3", "### Fixed\n\n- A bug."),
        ("1.2.2", "- Older."),
        ("1.2.1", ""),
        ("Unreleased", "- Next."),
        ("1.2", None),
        ("2.3", None),
        ("1x2.3", None),
    ],
)
def test_a_section_is_found_by_its_whole_title(title: str, text: str | None) -> None:
    assert section(CHANGELOG, title) == text


def test_the_tag_and_its_section_agree() -> None:
    assert check_versions(PYPROJECT, CHANGELOG, "v1.2.3") == "1.2.3"


@pytest.mark.parametrize("title", ["Unreleased", "1.2.3 - 2026-11-25"])
def test_before_the_tag_either_section_is_enough(title: str) -> None:
    assert check_versions(PYPROJECT, f"## {title}\n\n- New.\n", None) == "1.2.3"


@pytest.mark.parametrize(
    ("changelog", "tag", "named"),
    [
        pytest.param("## Unreleased\n\n- New.\n", "v1.2.3", '"## 1.2.3 - YYYY-MM-DD"', id="only unreleased"),
        pytest.param("## 1.2.3 - 2026-11-25\n\n## 1.2.2\n\n- x\n", "v1.2.3", "has no text", id="empty section"),
        pytest.param(CHANGELOG, "v1.2.2", "allowed: the tag v1.2.3", id="another version"),
        pytest.param(CHANGELOG, "1.2.3", "allowed: the tag v1.2.3", id="no v"),
        pytest.param(CHANGELOG, "v1.2.3-rc1", "allowed: the tag v1.2.3", id="a pre-release"),
        pytest.param("## 1.2.2\n\n- x\n", None, "nothing is written about 1.2.3", id="nothing before the tag"),
        pytest.param("## Unreleased\n", None, "nothing is written about 1.2.3", id="nothing new before the tag"),
    ],
)
def test_what_disagrees_is_one_line_with_the_fix(changelog: str, tag: str | None, named: str) -> None:
    with pytest.raises(ReleaseError, match=r"allowed: .*; \w+") as found:
        check_versions(PYPROJECT, changelog, tag)
    assert named in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("version", ["1.2", "1.2.3.4", "01.2.3", "1.2.3rc1", "v1.2.3"])
def test_the_version_is_semantic(version: str) -> None:
    with pytest.raises(ReleaseError, match="no semantic version"):
        check_versions(PYPROJECT.replace("1.2.3", version), CHANGELOG, None)


def _main(monkeypatch: pytest.MonkeyPatch, root: Path, *arguments: str) -> None:
    (root / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    (root / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    monkeypatch.setattr(release_check, "ROOT", root)
    monkeypatch.setattr(release_check, "DIST", root / "dist")
    monkeypatch.setattr("sys.argv", ["release_check.py", *arguments])
    release_check.main()


def test_the_notes_are_the_section(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _main(monkeypatch, tmp_path, "--tag", "v1.2.3", "--notes")
    assert (tmp_path / "dist" / "notes.md").read_text("utf-8") == "### Fixed\n\n- A bug.\n"


def test_the_notes_before_the_tag_are_of_the_next_version() -> None:
    assert release_check.notes(PYPROJECT, "## Unreleased\n\n- Next.\n", None) == "- Next.\n"


def test_a_wrong_tag_builds_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(release_check, "build", lambda folder: pytest.fail("built"))
    with pytest.raises(SystemExit, match=r"^release-check: tag v9\.0\.0: "):
        _main(monkeypatch, tmp_path, "--tag", "v9.0.0")


def test_a_step_that_fails_says_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"failed with 3: the reason; run it") as found:
        release_check._run("sh", "-c", "echo a lot; echo the reason >&2; exit 3")
    assert "\n" not in str(found.value)


def test_a_missing_tool_is_one_line() -> None:
    with pytest.raises(ReleaseError, match="/nonexistent/uv: is missing"):
        release_check._run("/nonexistent/uv", "venv")


def test_this_checkout_is_ready_for_a_tag() -> None:
    texts = [(release_check.ROOT / name).read_text("utf-8") for name in ("pyproject.toml", "CHANGELOG.md")]
    assert check_versions(texts[0], texts[1], None)
