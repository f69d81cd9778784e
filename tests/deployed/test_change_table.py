"""docs/changes.md under load: a row for each part that can be updated."""

import pytest

from tests.support.change_table import QUICK, Row, check_row
from tests.support.cloud import Deployed, Stacks


@pytest.mark.parametrize("row", QUICK, ids=lambda row: row[0])
def test_nobody_notices(deployed: Deployed, dev: Stacks, row: Row) -> None:
    check_row(deployed, dev, row)
