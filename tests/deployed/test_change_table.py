"""docs/changes.md under load: a row for each part that can be updated."""

import pytest

from tests.support.change_table import QUICK, Row, check_row
from tests.support.cloud import Deployed, Stacks, make_what_others_own


@pytest.fixture(scope="module")
def stacks(deployed: Deployed) -> Stacks:
    make_what_others_own()
    return Stacks("dev")


@pytest.mark.parametrize("row", QUICK, ids=lambda row: row[0])
def test_nobody_notices(deployed: Deployed, stacks: Stacks, row: Row) -> None:
    check_row(deployed, stacks, row)
