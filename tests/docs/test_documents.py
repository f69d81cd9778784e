"""What the documents say is there: links, commands, files, modules, settings, prices and codes."""

import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from typer.main import get_command

from endpointctl.cli import app
from proxy.errors import STATUS
from sagemaker_llm import InstanceType
from stacks.settings import ENVIRONMENTS, Settings, read_file, reference

ROOT = ENVIRONMENTS.parent
OURS = (".github", "constructs", "docs", "examples", "lambda", "local_aws", "pipeline_access")
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
def test_modules_named_exist(path: Path) -> None:
    """Modules of this project that are run as programs."""
    for name in re.findall(r"python -m ([\w.]+)", path.read_text(encoding="utf-8")):
        module = ROOT.joinpath(*name.split("."))
        if (ROOT / name.partition(".")[0]).is_dir():
            assert module.with_suffix(".py").exists() or (module / "__main__.py").exists(), name


@each_document
def test_python_examples_compile(path: Path) -> None:
    for example in re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
        compile(example, str(path), "exec")


@each_document
def test_commands_of_endpointctl_exist(path: Path) -> None:
    commands: Any = get_command(app)
    named = set(re.findall(r"endpointctl ([a-z-]+)", path.read_text(encoding="utf-8")))
    assert named <= set(commands.commands)


def test_the_settings_are_up_to_date() -> None:
    assert reference.PATH.read_text("utf-8") == reference.text(), "run `make settings`"


def test_the_settings_hold_every_key() -> None:
    text = reference.text()
    schema = Settings.model_json_schema()
    sections = [schema, *schema["$defs"].values()]
    keys = {key for section in sections for key in section["properties"]}
    assert len(keys) > 50
    assert keys <= set(re.findall(r"`(\w+)`", text))


# environment | model | instances | USD an hour | …; `tests/templates/test_prices.py` compares it with the plans
PRICE = re.compile(r"^\|[^|]+\|[^|]+\| `\d+ x (ml\.[\w.]+)` \| ≥ ([\d.]+) \|", re.MULTILINE)


def test_the_readmes_hourly_prices_are_the_datas() -> None:
    rows = PRICE.findall(README)
    assert rows
    for name, hour in rows:
        assert float(hour) == InstanceType.of(name).price_usd_per_hour, name


def test_the_readmes_quota_is_the_datas() -> None:
    named = re.findall(r"(ml\.[\w.]+) for endpoint usage.*?\b(L-[0-9A-F]{8})\b", README)
    assert named
    for name, code in named:
        assert InstanceType.of(name).quota_code == code


def test_cost_comes_before_anything_runs_on_aws() -> None:
    price = PRICE.search(README)
    command = re.search(r"make (bootstrap|deploy|aws-check)", README)
    assert price
    assert command
    assert price.start() < command.start()


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 150


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
    assert len(examples) == 5
    for example in examples:
        found: dict[str, Any] = {}
        exec(compile(example, "README.md", "exec"), found)
        if found["stack"].node.children:  # the one about policy has an empty stack, which is a finding
            template = cdk.assertions.Template.from_stack(found["stack"])
            template.resource_count_is("AWS::SageMaker::Endpoint", int("GpuEndpoint(" in example))


def test_the_files_that_extend_each_other_are_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "platform.md").read_text("utf-8")
    files = re.findall(r"```yaml\n# (environments/\S+)\n(.*?)```", text, re.DOTALL)
    assert len(files) == 2
    for name, content in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    found = read_file(tmp_path / "environments" / "search-dev.yaml")
    assert (found.region, found.proxy.log_retention_days) == ("eu-west-1", 90)
