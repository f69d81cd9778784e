"""``show``: every setting once, with the file that it came from."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from endpointctl import cli
from stacks import settings
from stacks.settings import ENVIRONMENTS, Settings
from stacks.settings.errors import SettingsError

DEV = yaml.safe_load((ENVIRONMENTS / "dev.yaml").read_text("utf-8"))
TEAM, X = "environments/defaults/team.yaml", "environments/x.yaml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of one environment that extends a file."""
    below = {**DEV, "tags": {"a.b": "1"}, "proxy": {"callers": ["111122223333"]}}
    vpc = {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}
    below["endpoint"] = {**DEV["endpoint"], "vpc": vpc, "data_capture": {"percentage": 5}}
    above = {
        "extends": "defaults/team.yaml",
        "endpoint": {"name": "x", "vpc": None, "weight": 1.0},
        "proxy": {"rest_api": {}},
    }
    folder = tmp_path / "environments"
    (folder / "defaults").mkdir(parents=True)
    (folder / "defaults" / "team.yaml").write_text(yaml.safe_dump(below), "utf-8")
    (folder / "x.yaml").write_text(yaml.safe_dump(above), "utf-8")
    monkeypatch.setattr(settings, "ENVIRONMENTS", folder)
    return folder


def shown(*options: str) -> str:
    done = CliRunner().invoke(cli.app, ["show", "--env", "x", *options])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_origin_of_each_value(folder: Path) -> None:
    document: dict[str, Any] = json.loads(shown("--json"))
    assert (document["environment"], document["files"]) == ("x", [X, TEAM])
    assert Settings.model_validate(document["settings"]) == settings.read("x")
    assert document["origins"] == {
        "region": TEAM,
        "model.package_arn": TEAM,
        "endpoint.name": X,
        "endpoint.instance_type": TEAM,
        "endpoint.vpc": X,
        "endpoint.weight": X,  # given, although it is the default
        "endpoint.data_capture.percentage": TEAM,
        "proxy.callers": TEAM,
        "tags.a.b": TEAM,
    }


def test_what_a_file_above_takes_away_and_gives_anew_is_a_default(folder: Path) -> None:
    (folder / "x.yaml").write_text("extends: y.yaml\nendpoint: {name: x, data_capture: {retention_days: 3}}", "utf-8")
    (folder / "y.yaml").write_text("extends: defaults/team.yaml\nendpoint: {name: y, data_capture: null}", "utf-8")
    document = json.loads(shown("--json"))
    assert document["settings"]["endpoint"]["data_capture"] == {"percentage": 100, "retention_days": 3}
    captured = {key: file for key, file in document["origins"].items() if "data_capture" in key}
    assert captured == {"endpoint.data_capture.retention_days": X}


def test_the_table(folder: Path) -> None:
    rows = [line.split() for line in shown().splitlines()]
    assert ["setting", "value", "from"] in rows
    assert ["endpoint.name", "x", X] in rows
    assert ["endpoint.instance_count", "1", "default"] in rows
    assert ["endpoint.vpc", "none", X] in rows
    assert ["proxy.callers", '["111122223333"]', TEAM] in rows
    assert ["endpoint.more_variants", "{}", "default"] in rows
    assert ["proxy.rest_api.tracing", "true", "default"] in rows


def test_what_it_cannot_show(folder: Path) -> None:
    (folder / "defaults" / "team.yaml").unlink()
    with pytest.raises(SettingsError, match=r"x\.yaml: extends: 'defaults/team\.yaml' does not exist"):
        CliRunner().invoke(cli.app, ["show", "--env", "x"], catch_exceptions=False)
