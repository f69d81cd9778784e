"""The templates of the environments and of the examples."""

from pathlib import Path

import pytest

from tests.support.templates import Templates, templates_in


@pytest.fixture(scope="session")
def templates(assembly: Path, example_assembly: Path) -> Templates:
    """Return every template by ``environment/stack``."""
    return {**templates_in(assembly), **templates_in(example_assembly)}
