"""The function's package: it runs with nothing but the runtime, and says at once when its settings are wrong."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proxy import errors, settings
from stacks.settings import ENVIRONMENTS

from .function import CAPS

ROOT = ENVIRONMENTS.parent
SOURCE = ROOT / "lambda" / "proxy"
# What Lambda's Python runtimes bring: docs.aws.amazon.com/lambda/latest/dg/lambda-python.html.
RUNTIME = {"botocore", "urllib3"}
GOOD = {"API": "generate", "ENDPOINT_NAME": "e", "GENERATE_TIMEOUT_SECONDS": "65", "MAX_REQUEST_BYTES": "1000", **CAPS}


def test_it_imports_the_standard_library_and_the_sdk_only() -> None:
    imported = {
        name.split(".")[0]
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - set(sys.stdlib_module_names) - RUNTIME == {"proxy"}


def test_a_cold_start_loads_no_more_than_it_needs() -> None:
    """Each of these was measured: boto3 is a fifth of a cold start; the others a framework's or a rarely used one's."""
    variables = {**GOOD, "PYTHONPATH": str(ROOT / "lambda"), "AWS_DEFAULT_REGION": "us-east-1"}
    imported = subprocess.run(
        [sys.executable, "-c", "import sys, proxy.handler; print(*sys.modules)"],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    unwanted = {"boto3", "s3transfer", "pydantic", "cohere", "jsonschema", "fastjsonschema", "requests", "difflib"}
    assert not unwanted & set(imported)


def test_settings() -> None:
    assert settings.read(GOOD) == settings.Settings(
        endpoints=(settings.Endpoint("e", "generate"),),
        timeout_seconds=65.0,
        max_request_bytes=1000,
        stream_timeout_seconds=0,
        front_door_seconds=1e9,
        cors_origins=frozenset(),
        log_level="INFO",
        default_max_tokens=50,
        limits={"MAX_TOKENS": 1000, "MAX_GENERATIONS": 3, "MAX_PROMPT_CHARACTERS": 5000},
    )
    more = {"FRONT_DOOR_SECONDS": "29", "CORS_ORIGINS": "https://a.test https://b.test", "LOG_LEVEL": "ERROR"}
    found = settings.read({**GOOD, **more})
    assert (found.front_door_seconds, found.log_level) == (29.0, "ERROR")
    assert found.cors_origins == {"https://a.test", "https://b.test"}


NUMBERS = ["GENERATE_TIMEOUT_SECONDS", "MAX_REQUEST_BYTES", *CAPS]
WRONG = [(name, value) for name in GOOD for value in (None, "")]
WRONG += [(name, value) for name in NUMBERS for value in ("0", "-1", "nan", "inf", "many")]
WRONG += [("API", "summarize"), ("LOG_LEVEL", "DEBUG"), ("FRONT_DOOR_SECONDS", "soon")]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_variable_is_named(name: str, value: str | None) -> None:
    environment = {key: content for key, content in {**GOOD, name: value}.items() if content is not None}
    with pytest.raises(RuntimeError, match=name):
        settings.read(environment)


def test_a_deployment_without_settings_fails_at_its_start(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import proxy.handler"],
        env={"PYTHONPATH": str(ROOT / "lambda"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "the environment variable ENDPOINT_NAME is missing" in done.stderr


def test_the_readme_lists_every_error() -> None:
    text = (SOURCE / "README.md").read_text("utf-8").partition("| code of API Gateway |")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.MULTILINE)
    assert {code: int(status) for code, status in rows} == errors.STATUS
