"""``new``: a valid file or none, from options or from answers."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from endpointctl import cli
from endpointctl.commands import new as command
from endpointctl.failure import Failure
from endpointctl.new_environment import gpus
from sagemaker_llm import InstanceType
from stacks import settings
from stacks.settings.errors import SettingsError

ACCOUNT = "111122223333"
INTERACTIVE = command._interactive
ARN = "arn:aws:sagemaker:us-east-1:865070037744:model-package/cohere-gpt-medium-v1-5-15e34931a06235b7bac32dca396a970a"
USER = f"arn:aws:iam::{ACCOUNT}:user/a"
OPTIONS = {"region": "eu-west-1", "account": ACCOUNT, "model": "command-r-08-2024", "instance-type": "ml.p5.48xlarge"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "environments"
    folder.mkdir()
    monkeypatch.setattr(settings, "ENVIRONMENTS", folder)
    monkeypatch.setattr(command, "_interactive", lambda: False)
    return folder


def run(*options: str, answers: str | None = None, **values: str) -> str:
    """Run ``new x`` and return what it prints; a refusal is raised."""
    arguments = [text for key, value in values.items() for text in (f"--{key.replace('_', '-')}", value)]
    done = CliRunner().invoke(cli.app, ["new", *(options or ("x",)), *arguments], input=answers)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def options(**changes: str | None) -> dict[str, str]:
    values = {**OPTIONS, **{key.replace("_", "-"): value for key, value in changes.items()}}
    return {key: value for key, value in values.items() if value is not None}


def content(folder: Path, name: str = "x") -> Any:
    return yaml.safe_load((folder / f"{name}.yaml").read_text("utf-8"))


def below(folder: Path, **sections: Any) -> None:
    (folder / "defaults").mkdir()
    (folder / "defaults" / "team.yaml").write_text(yaml.safe_dump(sections), "utf-8")


def test_from_options(folder: Path) -> None:
    output = run(**options(), front_door="rest_api", caller=USER)
    assert content(folder) == {
        "region": "eu-west-1",
        "account": ACCOUNT,
        "model": {"catalog": "command-r-08-2024"},
        "endpoint": {"name": "cohere-x", "instance_type": "ml.p5.48xlarge"},
        "proxy": {"callers": [USER], "rest_api": {"access": "iam"}},
    }
    assert (folder / "x.yaml").read_text("utf-8").startswith("# yaml-language-server: $schema=schema.json\n")
    assert settings.read("x").endpoint.name == "cohere-x"
    assert f"ml.p5.48xlarge: 8 x NVIDIA H100, {InstanceType.of('ml.p5.48xlarge').price_usd_per_hour:.2f} USD" in output
    assert os.listdir(folder) == ["x.yaml"]  # noqa: PTH208 - hidden files too


def test_the_defaults_are_not_written(folder: Path) -> None:
    run(**options(), front_door="function_url")
    assert sorted(content(folder)) == ["account", "endpoint", "model", "region"]


@pytest.mark.parametrize("missing", OPTIONS)
def test_without_a_terminal_a_missing_option_is_named(folder: Path, missing: str) -> None:
    with pytest.raises(Failure) as caught:
        run(**options(**{missing: None}))
    assert caught.value.reason.startswith(f"--{missing} is missing: give it, or give with --extends a file that has ")
    assert "\n" not in caught.value.reason
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"region": "Virginia"}, "region: 'Virginia' is wrong"),
        ({"account": "1"}, "account: '1' is wrong; allowed: The AWS account, 12 digits in quotes"),
        ({"model": "command-x"}, "model.catalog: 'command-x' is not in the catalogue"),
        ({"instance_type": "ml.g5.xlarge"}, "endpoint.instance_type: 'ml.g5.xlarge' has 1 x NVIDIA A10G"),
        ({"caller": "bob"}, "proxy.callers.0: 'bob' is wrong"),
        ({"extends": "gone.yaml"}, "extends: 'gone.yaml' does not exist"),
        ({"extends": "../o.yaml"}, "extends: '../o.yaml' is outside the folder"),
        ({"extends": "x.yaml"}, "extends: x.yaml -> x.yaml is a circle"),
    ],
)
def test_nothing_is_written_of_what_is_wrong(folder: Path, changes: dict[str, str], line: str) -> None:
    with pytest.raises(SettingsError) as caught:
        run(**options(**changes))
    assert caught.value.problems[0].startswith(f"environments/x.yaml: {line}")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["X", "../x", "x.yaml", "a" * 31])
def test_a_wrong_name(folder: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"is not a valid name; .*; choose another name$"):
        run(name, **options())
    assert list(folder.iterdir()) == []


def test_a_file_that_appears_meanwhile_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = settings.check

    def slow(*arguments: Any) -> Any:
        (folder / "x.yaml").write_text("mine", "utf-8")
        return check(*arguments)

    monkeypatch.setattr(settings, "check", slow)
    with pytest.raises(Failure, match=r"x\.yaml: has appeared meanwhile: choose another name, or edit the file$"):
        run(**options())
    assert os.listdir(folder) == ["x.yaml"]  # noqa: PTH208 - hidden files too
    assert (folder / "x.yaml").read_text("utf-8") == "mine"


def test_a_full_disk_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Failure, match=r"x\.yaml: No space left on device: name another file$"):
        run(**options())
    assert os.listdir(folder) == []  # noqa: PTH208 - hidden files too


def test_a_closed_standard_input_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert INTERACTIVE() is False


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_exists_stays(folder: Path, kind: str) -> None:
    path = folder / "x.yaml"
    if kind == "link":
        path.symlink_to("nowhere")
    else:
        path.write_text("mine", "utf-8")
    with pytest.raises(Failure, match=r"^environments/x\.yaml exists: choose another name, or edit the file$"):
        run(**options())
    assert path.is_symlink() if kind == "link" else path.read_text("utf-8") == "mine"


def test_an_endpoint_that_another_environment_has(folder: Path) -> None:
    run(**options())
    text = (folder / "x.yaml").read_text("utf-8").replace("cohere-x", "cohere-y")
    (folder / "x.yaml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"y\.yaml: endpoint\.name: 'cohere-y' is also that of environments/x"):
        run("y", **options())
    assert [path.name for path in folder.iterdir()] == ["x.yaml"]


def test_only_what_the_extended_file_does_not_give(folder: Path) -> None:
    endpoint = {"instance_pools": [{"instance_type": "ml.p5.48xlarge"}, {"instance_type": "ml.p4de.24xlarge"}]}
    below(folder, region="eu-west-1", model={"catalog": "command-r-08-2024"}, endpoint=endpoint)
    output = run(account=ACCOUNT, extends="defaults/team.yaml")
    assert content(folder) == {
        "extends": "defaults/team.yaml",
        "account": ACCOUNT,
        "endpoint": {"name": "cohere-x"},
    }
    assert output.count("USD an hour") == 2


def test_what_excludes_what_the_extended_file_gives(folder: Path) -> None:
    endpoint = {"instance_pools": [{"instance_type": "ml.g5.xlarge"}]}
    below(folder, model={"package_arn": ARN, "api": "generate"}, endpoint=endpoint, proxy={"rest_api": {}})
    run(**options(), extends="defaults/team.yaml", front_door="function_url")
    assert content(folder)["model"] == {"catalog": "command-r-08-2024", "package_arn": None, "api": None}
    found = settings.read("x")
    assert (found.model.catalog, found.model.package_arn) == ("command-r-08-2024", None)
    assert (found.endpoint.instance_type, found.endpoint.instance_pools) == ("ml.p5.48xlarge", ())
    assert found.proxy.rest_api is None


# ---- Questions -----------------------------------------------------------------------------------------------------


def test_from_answers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_interactive", lambda: True)
    answers = [
        "mars",
        "us-east-1",
        ACCOUNT,
        "medium-1.5",
        "ml.p5.48xlarge",
        "ml.g5.xlarge",
        "rest_api",
        f"{USER}, {ACCOUNT}",
    ]
    output = run(answers="\n".join(answers) + "\n")
    assert "\n  eu-west-1\n" in output
    assert "front door [function_url]: " in output
    assert "'mars' is none of these: us-east-1, " in output
    assert "'ml.p5.48xlarge' is none of these: ml.g5.xlarge, " in output
    assert "ml.g5.xlarge: 1 x NVIDIA A10G, 1.41 USD an hour\n" in output
    assert "ml.g5.4xlarge: 1 x NVIDIA A10G, unknown price\n" in output
    assert content(folder) == {
        "region": "us-east-1",
        "account": ACCOUNT,
        "model": {"catalog": "medium-1.5"},
        "endpoint": {"name": "cohere-x", "instance_type": "ml.g5.xlarge"},
        "proxy": {"callers": [USER, ACCOUNT], "rest_api": {"access": "iam"}},
    }


def test_the_defaults_of_the_questions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_interactive", lambda: True)
    run(**options(), answers="\n\n")
    assert sorted(content(folder)) == ["account", "endpoint", "model", "region"]


def test_no_question_about_a_proxy_that_is_not_deployed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_interactive", lambda: True)
    run(**options(region="us-east-1", model="summarize", instance_type="ml.p4d.24xlarge"), answers="")
    assert content(folder)["model"] == {"catalog": "summarize"}


def test_no_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_interactive", lambda: True)
    assert "Aborted" in run(answers="us-east-1\n")
    assert list(folder.iterdir()) == []


def test_the_gpus_of_a_model() -> None:
    found = gpus({"catalog": "command-r-08-2024"}, "eu-west-1")
    assert [gpu.name for gpu in found] == ["ml.p4de.24xlarge", "ml.p5.48xlarge"]
    prices = [gpu.price_usd_per_hour for gpu in gpus({"package_arn": ARN}, "us-east-1")]
    known = [price for price in prices if price is not None]
    assert known == sorted(known)
    assert prices[: len(known)] == known
    assert gpus({"catalog": "nothing"}, "us-east-1") == gpus({"catalog": None}, "us-east-1") == []
