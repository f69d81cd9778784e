"""The library's wheel, and an app there that is not ours: examples/own_app in an empty environment."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import release_check

from sagemaker_llm.proxy.streaming import HANDLER
from stacks.settings import ENVIRONMENTS
from tests.support.templates import ROOT, content_of, templates_of


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel that is the same, byte for byte, when pip builds it from the source archive."""
    found, _archive = release_check.build(tmp_path_factory.mktemp("dist"))
    return found


def test_it_holds_the_library_and_the_functions_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    source = {
        f"sagemaker_llm/_lambda/{path.relative_to(ROOT / 'lambda')}"
        for path in (ROOT / "lambda").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert source <= set(names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"sagemaker_llm"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert "sagemaker_llm/py.typed" in names


def test_the_start_script_can_be_executed(wheel: Path) -> None:
    """Installers keep that, and the CDK's assets too."""
    script = zipfile.ZipFile(wheel).getinfo(f"sagemaker_llm/_lambda/{HANDLER}")
    assert (script.external_attr >> 16) & 0o111 == 0o111


def test_an_app_that_is_not_ours_synthesizes(wheel: Path, tmp_path: Path) -> None:
    release_check.install(wheel, tmp_path / "environment")
    release_check.synthesize(tmp_path / "environment", tmp_path / "out")
    resources = json.loads((tmp_path / "out" / "Summaries.template.json").read_text("utf-8"))["Resources"]
    # The same source, byte for byte, as a deployment from the checkout.
    ours = templates_of(content_of(ENVIRONMENTS / "dev.yaml"), "dev")["proxy"]["Resources"]
    assert _sources(resources) == _sources(ours) != set()


def _sources(resources: dict[str, Any]) -> set[str]:
    return {one["Properties"]["Code"]["S3Key"] for one in resources.values() if one["Type"] == "AWS::Lambda::Function"}
