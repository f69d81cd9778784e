"""``plan``: its formats, its options, and what it says of files that it cannot read."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from endpointctl import cli, templates
from endpointctl.failure import Failure
from endpointctl.prices import difference, terms
from endpointctl.prices.terms import SOFTWARE
from stacks import settings
from tests.support.templates import ROOT, changed, content_of

CONFIG: dict[str, Any] = {
    "Type": "AWS::SageMaker::EndpointConfig",
    "Properties": {
        "ProductionVariants": [
            {"VariantName": "AllTraffic", "InitialInstanceCount": 1, "InstanceType": "ml.g5.xlarge"},
        ]
    },
}


def template(instance_type: str = "ml.g5.xlarge") -> dict[str, Any]:
    return {"Resources": {"C": json.loads(json.dumps(CONFIG).replace("ml.g5.xlarge", instance_type))}}


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    """Return an assembly of dev with one template."""
    folder = tmp_path / "cdk.out"
    (folder / "assembly-dev").mkdir(parents=True)
    stack = {
        "type": "aws:cloudformation:stack",
        "displayName": "dev/endpoint",
        "properties": {"templateFile": "t.json"},
    }
    (folder / "assembly-dev" / "manifest.json").write_text(json.dumps({"artifacts": {"s": stack}}), "utf-8")
    (folder / "assembly-dev" / "t.json").write_text(json.dumps(template()), "utf-8")
    return folder


@pytest.fixture(autouse=True)
def without_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no custom metrics be in the sums: their number grows with what is measured."""
    monkeypatch.setattr(terms, "custom_metrics", lambda _settings: 0)


def planned(*options: str, **variables: str) -> str:
    done = CliRunner().invoke(cli.app, ["plan", *options], env=variables)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def refused(*options: str) -> str:
    done = CliRunner().invoke(cli.app, ["plan", *options])
    assert isinstance(done.exception, Failure), (done.output, done.exception)
    return str(done.exception)


def test_the_last_line_is_the_summary(assembly: Path) -> None:
    line = "dev in us-east-1: ≥ 1,028 USD + the seller's software a month, always on; 1 x ml.g5.xlarge"
    table = planned("--assembly", str(assembly))
    assert table.splitlines()[-1] == line
    assert planned("--assembly", str(assembly), "--summary") == f"{line}\n"
    assert planned("--assembly", str(assembly), "--format", "markdown").strip().splitlines()[-1] == line
    assert "ml.g5.xlarge: 1.408 USD per instance and hour, us-east-1, 2026-11-01, https://" in table


def test_markdown_has_as_many_cells_in_every_row(assembly: Path) -> None:
    lines = [line for line in planned("--assembly", str(assembly), "--format", "markdown").splitlines() if "|" in line]
    assert lines[0].startswith("| what | USD an hour | USD a month, 730 h | an update adds, USD |")
    first = lines[: next(number for number, line in enumerate(lines) if "total" in line) + 1]
    assert {line.count("|") for line in first} == {5}


def test_json_is_one_document(assembly: Path) -> None:
    document = json.loads(planned("--assembly", str(assembly), "--format", "json"))
    assert document["environments"][0]["total"]["hour"]["unknown"] == [SOFTWARE]


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"artifacts": []}', '{"artifacts": {"s": {}}}'])
def test_a_broken_assembly_is_one_line(assembly: Path, text: str) -> None:
    (assembly / "assembly-dev" / "manifest.json").write_text(text, "utf-8")
    assert "run `make synth`" in refused("--assembly", str(assembly))


def test_an_assembly_without_the_environment_is_refused(assembly: Path) -> None:
    assert "has no stack of prod" in refused("--assembly", str(assembly), "--env", "prod")


def test_a_base_goes_with_no_other_source(assembly: Path) -> None:
    assert "leave --assembly and --live out" in refused("--base", "HEAD", "--live")


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Let dev get a larger instance, one environment go and one come; return which ones were asked for."""
    asked: list[str | None] = []

    def of_checkout(environment: str | None) -> dict[str, Any]:
        asked.append(environment)
        return {"dev/endpoint": template("ml.g5.2xlarge"), "demo/endpoint": template()}

    monkeypatch.setattr(templates, "of_checkout", of_checkout)
    before = {"dev/endpoint": template(), "gone/endpoint": template()}
    monkeypatch.setattr(templates, "of_commit", lambda _commit, _environment: before)
    dev = content_of(settings.ENVIRONMENTS / "dev.yaml")
    priced = settings.Settings.model_validate(changed(dev, {"model.software_price_per_hour": 1.0}))
    monkeypatch.setattr(templates, "settings_of", lambda _commit, name: priced if name == "gone" else None)
    monkeypatch.setattr(templates, "place_of", lambda _commit, _name: ("us-east-1", None))
    return asked


def test_a_change(change: list[str | None]) -> None:
    # (1.515 - 1.408) x 730; the settings at HEAD cannot be read here.
    assert planned("--base", "HEAD", "--summary") == (
        "USD a month: demo +1,028 USD, not counting the seller's software; "
        "dev +78.11 USD, not counting the seller's software and what its settings at HEAD say; gone -1,758 USD\n"
    )
    before = "| dev | ≥ 1,028 USD + the seller's software + what its settings at HEAD say |"
    assert before in planned("--base", "HEAD", "--format", "markdown")
    document = json.loads(planned("--base", "HEAD", "--format", "json"))
    gone = document["differences"][-1]
    assert (gone["environment"], gone["after"], gone["month_difference"]["low_usd"]) == ("gone", None, -1757.84)
    assert document["differences"][1]["month_difference"]["known_low_usd"] == 78.11
    assert planned("--base", "HEAD").splitlines()[-1].startswith("USD a month: demo")


def test_a_shells_env_does_not_hide_other_environments(change: list[str | None]) -> None:
    planned("--base", "HEAD", "--summary", ENV="dev")
    planned("--base", "HEAD", "--summary", "--env", "dev")
    assert change == [None, "dev"]


def test_settings_of_a_commit_that_are_no_longer_valid_price_what_the_template_says(
    change: list[str | None],
) -> None:
    """The seller's price and the number of metrics are lost, and the sum says so."""
    (dev,) = [one for one in difference.differences("HEAD", {"dev/e": template()}, {}) if one.environment == "dev"]
    assert dev.before
    assert str(dev.before.month) == "≥ 1,028 USD + the seller's software + what its settings at HEAD say"


def test_the_command_line_starts_by_itself() -> None:
    """Without pytest's paths: the construct library lies in a source root of its own."""
    command = [sys.executable, "-m", "endpointctl", "plan", "--help"]
    paths = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=ROOT, env=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
