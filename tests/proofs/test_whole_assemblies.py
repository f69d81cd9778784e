"""Whole assemblies: cfn-lint on every template, warnings too; and the same commit gives the same bytes."""

import filecmp
import subprocess
import sys
from pathlib import Path

from tests.support.templates import synthesize


def test_cfn_lint_finds_nothing(assembly: Path, example_assembly: Path) -> None:
    # W3005: we name dependencies that a reference implies, because they are why the order matters.
    files = [str(path) for folder in (assembly, example_assembly) for path in folder.glob("assembly-*/*.template.json")]
    assert len(files) > 12
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--ignore-checks", "W3005", "--", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_synth_twice_gives_the_same_bytes(assembly: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    done = synthesize(again)
    assert done.returncode == 0, done.stdout + done.stderr
    names = sorted(str(p.relative_to(assembly)) for p in assembly.rglob("*") if p.is_file())
    assert names == sorted(str(p.relative_to(again)) for p in again.rglob("*") if p.is_file())
    _same, different, missing = filecmp.cmpfiles(assembly, again, names, shallow=False)
    # The report names the folder it was made in.
    assert [name for name in different + missing if name != "validation-report.json"] == []
