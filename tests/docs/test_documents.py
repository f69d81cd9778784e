"""What the documents say is there: links, commands, files, settings, prices and codes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.main import get_command

from endpointctl.cli import app
from proxy.errors import STATUS
from sagemaker_llm import InstanceType
from stacks.settings import ENVIRONMENTS, Settings

ROOT = ENVIRONMENTS.parent
OURS = ("constructs", "docs", "lambda", "local_aws")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for folder in OURS for path in (ROOT / folder).rglob("*.md"))])
README = (ROOT / "README.md").read_text(encoding="utf-8")
each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        assert not anchor or anchor in _anchors(found.read_text(encoding="utf-8")), target


@each_document
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^ {4})make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= targets


@each_document
def test_files_named_exist(path: Path) -> None:
    """In backticks, with a folder and an ending: from the root or from where the document lies."""
    for name in re.findall(
        r"`([\w.*-]+(?:/[\w.*-]+)+\.(?:py|md|yaml|toml|json|txt))`", path.read_text(encoding="utf-8")
    ):
        assert any(ROOT.glob(name)) or any(path.parent.glob(name)), name


@each_document
def test_commands_of_endpointctl_exist(path: Path) -> None:
    commands: Any = get_command(app)
    named = set(re.findall(r"endpointctl ([a-z-]+)", path.read_text(encoding="utf-8")))
    assert named <= set(commands.commands)


def _settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _settings(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field.get_default(call_default_factory=True)


def test_the_readme_lists_every_setting_and_its_default() -> None:
    table = README.partition("## Configuration")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", table, re.MULTILINE))
    settings = dict(_settings(Settings))
    assert list(rows) == list(settings)
    for key, default in settings.items():
        if default is PydanticUndefined:
            assert rows[key] == "required", key
        elif isinstance(default, (bool, int)):
            assert rows[key] == str(default).lower(), key
        else:
            assert rows[key] != "required", key


def test_the_readmes_prices_and_quota_are_the_datas() -> None:
    gpu = InstanceType.of("ml.g5.xlarge")
    assert gpu.price_usd_per_hour is not None
    assert f"| {gpu.price_usd_per_hour} | {gpu.price_usd_per_hour * 730:,.0f} |" in README
    assert str(gpu.quota_code) in README


def test_cost_comes_before_anything_is_run() -> None:
    assert README.index("## What it costs") < README.index("make demo     #") < README.index("make deploy ENV=dev  ")


def test_the_runbook_names_only_codes_that_exist() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    named = {code: int(status) for status, code in re.findall(r"(\d{3}) `(\w+)`", runbook)}
    assert named
    assert named.items() <= STATUS.items()


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    linked = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert linked == sorted(path.name for path in folder.glob("0*.md"))


def test_the_librarys_examples_synthesize() -> None:
    library = (ROOT / "constructs" / "sagemaker_llm" / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", library, re.DOTALL)
    assert len(examples) == 4
    for example in examples:
        found: dict[str, Any] = {}
        exec(compile(example, "README.md", "exec"), found)
        if found["stack"].node.children:  # the one about policy has an empty stack, which is a finding
            template = cdk.assertions.Template.from_stack(found["stack"])
            template.resource_count_is("AWS::SageMaker::Endpoint", int("GpuEndpoint(" in example))
