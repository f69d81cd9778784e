"""docs/fidelity.md and docs/proofs.md name only tests and probes that are there; and every probe has a row."""

import re
from pathlib import Path

from endpointctl.aws_check import ON_REQUEST, PROBES

ROOT = Path(__file__).parent.parent.parent
FIDELITY = (ROOT / "docs" / "fidelity.md").read_text("utf-8")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in FIDELITY.splitlines() if line.startswith("| ")]
TESTS = {
    name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
}


def test_every_test_that_is_named_exists() -> None:
    named = {name for row in ROWS for name in re.findall(r"`(test_\w+)`", row[3])}
    assert len(named) > 30
    assert named <= TESTS


def test_every_probe_has_a_row_and_every_row_a_probe_that_exists() -> None:
    named = [name for row in ROWS for name in re.findall(r"`([a-z-]+)`", row[4])]
    assert sorted(named) == sorted([*PROBES, *ON_REQUEST])


def test_the_proofs_lie_where_they_are_said_to() -> None:
    rows = [line for line in (ROOT / "docs" / "proofs.md").read_text("utf-8").splitlines() if line.startswith("| **")]
    assert len(rows) >= 5
    for row in rows:
        files = re.findall(r"`(tests/[\w/]+\.py)`", row.split("|")[2])
        assert files, row
        assert all((ROOT / file).exists() for file in files), row
