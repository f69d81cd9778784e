"""The library's wheel in an empty environment, and an app there that is not ours."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stacks.settings import ENVIRONMENTS
from tests.support.templates import ROOT, content_of, templates_of

UV = ROOT / ".tools" / "uv" / "bin" / "uv"
APP = """
import json, sys
import aws_cdk as cdk
from sagemaker_llm import GpuEndpoint, LlmProxy, MarketplaceModel, ModelPackage, ProxyRestApi, Variant

app = cdk.App(outdir=sys.argv[1])
stack = cdk.Stack(app, "Somebody", env=cdk.Environment(account="111122223333", region="us-east-1"))
package = ModelPackage.from_catalog("medium-1.5", "ml.g5.xlarge", "us-east-1")
variant = Variant(model=MarketplaceModel(stack, "Model", package=package), instance_type="ml.g5.xlarge")
endpoint = GpuEndpoint(stack, "Endpoint", endpoint_name="theirs", variants=[variant])
proxy = LlmProxy(stack, "Proxy", endpoint=endpoint, api="generate")
ProxyRestApi(stack, "Api", proxy=proxy)
app.synth()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel, built from the source distribution, as pip builds it."""
    folder = tmp_path_factory.mktemp("dist")
    for kind in ("sdist", "wheel"):
        root = ROOT
        if kind == "wheel":
            (archive,) = folder.glob("*.tar.gz")
            subprocess.run(["tar", "-xzf", str(archive), "-C", str(folder)], check=True)
            (root,) = (path for path in folder.iterdir() if path.is_dir())
        command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
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


def test_an_app_that_is_not_ours_synthesizes(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    python = str(environment / "bin" / "python")
    subprocess.run([str(UV), "venv", "-q", "--python", sys.executable, str(environment)], check=True)
    pinned = ["--constraint", str(ROOT / "requirements.txt")]
    subprocess.run([str(UV), "pip", "install", "-q", "--python", python, *pinned, str(wheel)], check=True)
    app, out = tmp_path / "app.py", tmp_path / "out"
    app.write_text(APP, "utf-8")
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, str(app), str(out)], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    resources = json.loads((out / "Somebody.template.json").read_text("utf-8"))["Resources"]
    keys = {one["Properties"]["Code"]["S3Key"] for one in resources.values() if one["Type"] == "AWS::Lambda::Function"}
    # The same source, byte for byte, as a deployment from the checkout.
    ours = templates_of(content_of(ENVIRONMENTS / "dev.yaml"), "dev")["proxy"]["Resources"]
    assert keys == {
        one["Properties"]["Code"]["S3Key"] for one in ours.values() if one["Type"] == "AWS::Lambda::Function"
    }
