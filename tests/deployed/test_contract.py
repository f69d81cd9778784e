"""The private names of MiniStack that some modules use exist. Run this first after an upgrade of MiniStack."""

import ast
import subprocess
from pathlib import Path

import pytest

from local_aws.runner.cloud import ROOT, SERVER_PYTHON

NAMES_OF_MODULES = (
    *("emulator.py", "cloudwatch.py", "event_stream.py", "permissions.py", "account/costs.py"),
    *(f"cloudformation/{name}.py" for name in ("template_conditions", "operations", "service_role", "status_events")),
    *(f"functions/{name}.py" for name in ("actions", "clock", "events")),
    *(f"scheduling/{name}.py" for name in ("groups", "service", "targets")),
    *(
        f"front_doors/{name}.py"
        for name in ("access_log", "api_gateway", "api_keys", "api_metrics", "streamed_responses", "web_adapter")
    ),
    *(
        f"monitoring/{name}.py"
        for name in (
            "alarms",
            "api",
            "caller",
            "confirmations",
            "embedded_metrics",
            "install",
            "publishing",
            "resources",
        )
    ),
)
INSIDE = [ROOT / "local_aws" / "server" / name for name in NAMES_OF_MODULES]


def private_names(source: Path) -> list[str]:
    """Return each name of MiniStack's modules that a module uses, e.g. ``ministack.app.AUTH``."""
    tree = ast.parse(source.read_text("utf-8"))
    modules = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack")
        for alias in node.names
    }
    return sorted(
        {
            f"{modules[node.value.id]}.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules
        }
    )


NAMES = sorted({name for source in INSIDE for name in private_names(source)})


def test_no_other_module_uses_private_names_of_ministack() -> None:
    others = [path for path in (ROOT / "local_aws").rglob("*.py") if path not in INSIDE]
    assert [path.name for path in others if private_names(path)] == []


@pytest.fixture(scope="module")
def missing() -> list[str]:
    """The names that the installed MiniStack does not have."""
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    module, _, attribute = name.rpartition('.')\n"
        "    if not hasattr(importlib.import_module(module), attribute): print(name)\n"
    )
    done = subprocess.run([SERVER_PYTHON, "-c", script, *NAMES], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("name", NAMES)
def test_ministack_has(missing: list[str], name: str) -> None:
    assert name not in missing
