"""The assemblies of the environments and of the examples, with all validation on."""

from pathlib import Path

import pytest

from tests.support.templates import EXAMPLES, Templates, shared_assembly, templates_in


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the environments' assembly."""
    return shared_assembly(tmp_path_factory, "assembly", None)


@pytest.fixture(scope="session")
def example_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the assembly of docs/examples, used as environments."""
    return shared_assembly(tmp_path_factory, "examples", sorted(EXAMPLES.glob("*.yaml")))


@pytest.fixture(scope="session")
def templates(assembly: Path, example_assembly: Path) -> Templates:
    """Return every template by ``environment/stack``."""
    return {**templates_in(assembly), **templates_in(example_assembly)}
