"""Which templates the local cloud checks: each once, for as long as the check is the same."""

from pathlib import Path

import pytest

from local_aws.server import templates


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str]]:
    """The templates that cfn-lint is asked about, and their regions; it refuses those with "wrong" in them."""
    asked = list[tuple[str, str]]()

    def violations(template: str, region: str) -> str:
        asked.append((template, region))
        return "a problem" if "wrong" in template else ""

    monkeypatch.setenv(templates.ACCEPTED_VARIABLE, str(tmp_path / "accepted"))
    monkeypatch.setattr(templates, "_violations", violations)
    monkeypatch.setattr(templates, "version", lambda _: "1.0")
    return asked


def check(template: str, region: str = "us-east-1") -> str:
    """Check as another server does, which remembers nothing by itself."""
    templates.problems.cache_clear()
    return templates.problems(template, region)


def test_what_was_accepted_is_not_checked_again(checked: list[tuple[str, str]]) -> None:
    assert [check("a"), check("a"), check("b"), check("a", "eu-west-1"), check("a")] == [""] * 5
    assert checked == [("a", "us-east-1"), ("b", "us-east-1"), ("a", "eu-west-1")]


def test_what_was_refused_is_refused_again(checked: list[tuple[str, str]]) -> None:
    assert [check("wrong"), check("wrong")] == ["a problem", "a problem"]
    assert len(checked) == 2


def test_another_version_or_another_set_of_rules_checks_again(
    checked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    check("a")
    monkeypatch.setattr(templates, "version", lambda _: "1.1")
    check("a")
    monkeypatch.setattr(templates, "IGNORED", {})
    check("a")
    assert len(checked) == 3


def test_without_a_folder_nothing_is_kept(checked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(templates.ACCEPTED_VARIABLE)
    assert [check("a"), check("a")] == ["", ""]
    assert len(checked) == 2
