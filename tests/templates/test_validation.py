"""What guards the templates: cdk-nag, CloudFormation's own rules, and that the same commit gives the same bytes."""

import filecmp
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, synthesize

ACKNOWLEDGEMENT = re.compile(r'id="(?P<id>[A-Za-z]+::[^"]+)",\s+reason="(?P<reason>[^"]+)"')


def _report(assembly: Path) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = json.loads((assembly / "validation-report.json").read_text("utf-8"))[
        "pluginReports"
    ]
    return reports


def test_no_finding_is_left(assembly: Path) -> None:
    assert [(r["pluginName"], r["violations"]) for r in _report(assembly) if r["violations"]] == []


def test_the_packs_run(assembly: Path) -> None:
    assert "AwsSolutions" in {report["pluginName"] for report in _report(assembly)}


def test_no_acknowledgement_is_stale(assembly: Path) -> None:
    """Each one in the source is exact, has a reason, and hides something that is still there."""
    written = {
        match["id"]: match["reason"]
        for folder in ("constructs", "stacks")
        for path in (ROOT / folder).rglob("*.py")
        for match in ACKNOWLEDGEMENT.finditer(path.read_text("utf-8"))
    }
    used = {
        hidden["acknowledgedId"]: hidden["reason"]
        for report in _report(assembly)
        for hidden in report.get("suppressedViolations", [])
    }
    assert written == used
    assert all(len(reason) > 20 for reason in used.values())


def test_acknowledgements_are_only_written_where_they_are_found() -> None:
    """The test above reads the source: no other way of writing one may slip past it."""
    counted = {
        path: path.read_text("utf-8").count("Acknowledgment(")
        for folder in ("constructs", "stacks")
        for path in (ROOT / folder).rglob("*.py")
    }
    found = {path: len(ACKNOWLEDGEMENT.findall(path.read_text("utf-8"))) for path in counted}
    assert counted == found


def test_synth_twice_gives_the_same_bytes(assembly: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    done = synthesize(again)
    assert done.returncode == 0, done.stdout + done.stderr
    names = sorted(str(p.relative_to(assembly)) for p in assembly.rglob("*") if p.is_file())
    assert names == sorted(str(p.relative_to(again)) for p in again.rglob("*") if p.is_file())
    _same, different, missing = filecmp.cmpfiles(assembly, again, names, shallow=False)
    # The report names the folder it was made in.
    assert [name for name in different + missing if name != "validation-report.json"] == []


@pytest.mark.parametrize(
    ("what", "before", "after", "said"),
    [
        ("cdk-nag", "Validations.of(self.role).acknowledge(", "print(", "AwsSolutions-IAM5[Resource::*]"),
        (
            "CloudFormation's rules",
            'assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),',
            'assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), role_name="not/a/name",',
            "role",
        ),
    ],
)
def test_findings_are_errors(tmp_path: Path, what: str, before: str, after: str, said: str) -> None:
    """A copy of the app with one fault in it does not synthesize."""
    copy = tmp_path / "copy"
    for name in ("app.py", "cdk.json"):
        copy.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    for name in ("stacks", "constructs", "environments", "lambda"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    library = copy / "constructs" / "marketplace_llm"
    broken = [path for path in library.glob("*.py") if before in path.read_text("utf-8")]
    for path in broken:
        path.write_text(path.read_text("utf-8").replace(before, after, 1), "utf-8")
    assert broken, f"nothing to break for {what}"
    done = synthesize(tmp_path / "out", root=copy)
    assert done.returncode != 0
    assert said.lower() in (done.stdout + done.stderr).lower()
