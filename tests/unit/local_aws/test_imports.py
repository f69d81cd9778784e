"""The local cloud is two programs in two virtual environments, and a container that needs neither."""

import ast
import sys
from pathlib import Path

import pytest

from local_aws.runner.cloud import ROOT

SHARED = tuple(
    f"local_aws.{name}" for name in ("condition_errors", "condition_types", "conditions", "faults", "invocation_log")
)
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "local_aws").rglob("*.py"))
}


def imported(path: Path) -> set[str]:
    """Return the full names of the modules that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative imports are not used here"
            # `from local_aws import conditions` imports local_aws.conditions.
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name for name in members if name in MODULES} or {str(node.module)}
    return names


def is_in(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def of(package: str) -> list[str]:
    return [name for name in MODULES if is_in(name, package)]


@pytest.mark.parametrize("module", of("local_aws.runner"))
def test_the_runner_imports_nothing_of_the_server(module: str) -> None:
    wrong = {name for name in imported(MODULES[module]) if is_in(name, "local_aws.server", "ministack")}
    assert wrong == set()


@pytest.mark.parametrize("module", of("local_aws.server"))
def test_the_server_imports_nothing_of_the_project_environment(module: str) -> None:
    forbidden = ("local_aws.runner", "rich", "typer", "aws_cdk", "constructs", "endpointctl", "stacks")
    assert {name for name in imported(MODULES[module]) if is_in(name, *forbidden)} == set()


@pytest.mark.parametrize("module", of("local_aws.container"))
def test_the_container_imports_only_the_standard_library_and_itself(module: str) -> None:
    def allowed(name: str) -> bool:
        return name.partition(".")[0] in sys.stdlib_module_names or is_in(name, "local_aws.container")

    assert {name for name in imported(MODULES[module]) if not allowed(name)} == set()


@pytest.mark.parametrize("module", SHARED)
def test_what_both_share_imports_neither(module: str) -> None:
    wrong = ("local_aws.runner", "local_aws.server", "local_aws.container", "ministack", "rich", "sagemaker_llm")
    assert {name for name in imported(MODULES[module]) if is_in(name, *wrong)} == set()


def test_every_module_belongs_to_one_of_the_programs() -> None:
    programs = ("local_aws.runner", "local_aws.server", "local_aws.container")
    assert [name for name in MODULES if not is_in(name, *programs) and name not in SHARED] == ["local_aws"]
