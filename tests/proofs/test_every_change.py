"""docs/changes.md under load: every row, and of rows with the very same effect two."""

import pytest

from tests.support.change_table import UNDER_LOAD, Row, check_row
from tests.support.cloud import Deployed, Stacks


@pytest.mark.parametrize("row", UNDER_LOAD, ids=lambda row: row[0])
def test_nobody_notices(deployed: Deployed, dev: Stacks, row: Row) -> None:
    check_row(deployed, dev, row)
