"""docs/openapi.yaml against the deployed proxy, by Schemathesis: 150 examples of each operation."""

from pathlib import Path

import pytest

from tests.support.cloud import Deployed
from tests.support.schemathesis import check


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_the_proxy_does_what_its_document_says(deployed: Deployed, tmp_path: Path, mode: str) -> None:
    check(deployed, tmp_path, mode, 150)
