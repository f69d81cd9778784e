"""What guards the templates: cdk-nag, CloudFormation's own rules, and that the same commit gives the same bytes."""

import filecmp
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, copy_of_the_app, synthesize


@pytest.fixture(params=["assembly", "example_assembly"])
def both(request: pytest.FixtureRequest) -> Path:
    """Return the environments' assembly, and then the examples'."""
    found: Path = request.getfixturevalue(request.param)
    return found


def _report(assembly: Path) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = json.loads((assembly / "validation-report.json").read_text("utf-8"))[
        "pluginReports"
    ]
    return reports


def test_no_finding_is_left(both: Path) -> None:
    assert [(r["pluginName"], r["violations"]) for r in _report(both) if r["violations"]] == []


def test_cfn_lint_finds_nothing(both: Path) -> None:
    # W3005: we name dependencies that a reference implies, because they are why the order matters.
    files = [str(path) for path in both.glob("assembly-*/*.template.json")]
    assert files
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--ignore-checks", "W3005", "--", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_packs_run(both: Path) -> None:
    packs = {"AwsSolutions", "NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321", "Serverless"}
    assert packs <= {report["pluginName"] for report in _report(both)}


def _written(assembly: Path) -> set[tuple[str, str, str]]:
    """Return path, id and reason of every acknowledgement in the tree."""
    return {
        (path.removeprefix("/"), rule, reason)
        for file in assembly.glob("assembly-*/*.metadata.json")
        for path, entries in json.loads(file.read_text("utf-8")).items()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule, reason in entry["data"].items()
    }


def _used(assembly: Path) -> set[tuple[str, str, str]]:
    return {
        (hidden["acknowledgedAt"], hidden["acknowledgedId"], hidden["reason"])
        for report in _report(assembly)
        for hidden in report.get("suppressedViolations", [])
    }


def test_no_acknowledgement_is_stale(both: Path) -> None:
    """Each one is exact, has a reason, sits on what causes the finding, and hides something that is still there."""
    written = _written(both)
    assert written
    assert written == _used(both)
    for path, _rule, reason in written:
        assert len(reason) > 20
        assert path.count("/") >= 2, "on a stack or a stage"


def test_the_acknowledgements_are_documented(both: Path) -> None:
    table = (ROOT / "docs" / "policy.md").read_text("utf-8")
    for _path, rule, reason in _written(both):
        pack, _, name = rule.partition("::")
        row = f"| `{re.sub(r'<.*>', '<resource>', name.removeprefix(pack + '-'))}` |"
        assert [line for line in table.splitlines() if line.startswith(row) and pack in line], row
        assert re.sub(r"^ml\S+(, ml\S+)*: ", "", reason) in table


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
        ("cdk-nag", '"IAM5[Resource::*]",', '"IAM4[Resource::*]",', "AwsSolutions-IAM5[Resource::*]"),
        ("SageMaker's refusals", "enable_network_isolation=True", "enable_network_isolation=False", "ISOLATION"),
        (
            "CloudFormation's rules",
            "assumed_by=lambdas)",
            'assumed_by=lambdas, role_name="not/a/name")',
            "role",
        ),
    ],
)
def test_findings_are_errors(tmp_path: Path, what: str, before: str, after: str, said: str) -> None:
    """A copy of the app with one fault in it does not synthesize."""
    copy = copy_of_the_app(tmp_path / "copy")
    library = copy / "constructs" / "sagemaker_llm"
    broken = [path for path in library.glob("*.py") if before in path.read_text("utf-8")]
    for path in broken:
        path.write_text(path.read_text("utf-8").replace(before, after, 1), "utf-8")
    assert broken, f"nothing to break for {what}"
    done = synthesize(tmp_path / "out", root=copy)
    assert done.returncode != 0
    assert said.lower() in (done.stdout + done.stderr).lower()
