"""The copier template: its data is the catalogue's, and what it renders is valid.

copier itself is no dependency. Its engine, jinja2, renders the template here.
"""

import json
import re
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from sagemaker_llm import InstanceType
from sagemaker_llm.models import catalog
from sagemaker_llm.proxy import source
from stacks import settings
from stacks.settings import ENVIRONMENTS

FOLDER = ENVIRONMENTS.parent / "examples" / "copier"
QUESTIONS: dict[str, Any] = yaml.safe_load((FOLDER / "copier.yml").read_text("utf-8"))
TEMPLATE = (FOLDER / "template" / "environments" / "{{ name }}.yaml.jinja").read_text("utf-8")
DATA = {name: question["default"] for name, question in QUESTIONS.items() if name in ("gpus", "prices", "regions")}
DATA["regions_of"] = QUESTIONS["regions_of"]["default"]
MODELS = dict.fromkeys(entry.model for entry in catalog.entries())


def rendered(*texts: tuple[str, dict[str, Any]]) -> list[str]:
    """Return each template's text with its values."""
    engine = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, **QUESTIONS["_envops"])
    # copier's own filters, as far as the template uses them.
    engine.filters |= {"to_json": json.dumps, "regex_search": lambda text, pattern: re.search(pattern, text)}
    return [engine.from_string(text).render({**DATA, **values}) for text, values in texts]


def answers(**changes: str) -> dict[str, str]:
    given = {"name": "x", "extends": "", "account": "111122223333", "model": "command-r-08-2024", "region": "eu-west-1"}
    return {**given, "instance_type": "ml.p5.48xlarge", "front_door": "function_url", "callers": "", **changes}


def test_the_data_is_the_catalogues() -> None:
    seen = {model: [one for e in catalog.entries() if e.model == model for one in e.instance_types] for model in MODELS}
    assert QUESTIONS["gpus"]["default"] == seen
    types = {name for names in seen.values() for name in names}
    assert QUESTIONS["prices"]["default"] == {name: InstanceType.of(name).price_usd_per_hour for name in types}
    assert QUESTIONS["regions"]["default"] == list(catalog.accounts())
    limited = {e.model: list(e.regions) for e in catalog.entries() if set(e.regions) != set(catalog.accounts())}
    assert QUESTIONS["regions_of"]["default"] == limited


def test_data_is_never_asked_and_comes_before_the_questions_that_use_it() -> None:
    names = [name for name in QUESTIONS if not name.startswith("_")]
    assert names == [*DATA, "name", "extends", "account", "model", "region", "instance_type", "front_door", "callers"]
    assert all(QUESTIONS[name]["when"] is False for name in DATA)
    assert sorted(QUESTIONS["front_door"]["choices"].values()) == ["function_url", "rest_api"]


def test_every_choice_is_a_valid_environment(tmp_path: Path) -> None:
    """Each model, in the region and on the GPU types that the template offers for it."""
    regions, types = QUESTIONS["region"]["choices"], QUESTIONS["instance_type"]["choices"]
    offered = [
        yaml.safe_load(text) for text in rendered(*((one, {"model": m}) for one in (regions, types) for m in MODELS))
    ]
    chosen = [
        answers(model=model, region=of_model[-1], instance_type=name)
        for model, of_model, labelled in zip(MODELS, offered, offered[len(MODELS) :], strict=False)
        for _label, name in labelled
    ]
    assert len(chosen) > len(MODELS)
    for values, text in zip(chosen, rendered(*((TEMPLATE, one) for one in chosen)), strict=True):
        (tmp_path / "x.yaml").write_text(text, "utf-8")
        found = settings.read_file(tmp_path / "x.yaml")
        assert (found.model.catalog, found.endpoint.instance_type) == (values["model"], values["instance_type"])
        assert (found.account, found.endpoint.name) == ("111122223333", "cohere-x")


def test_the_front_door_and_its_callers(tmp_path: Path) -> None:
    user = "arn:aws:iam::111122223333:user/a"
    (text,) = rendered((TEMPLATE, answers(front_door="rest_api", callers=f"111122223333 {user}")))
    (tmp_path / "x.yaml").write_text(text, "utf-8")
    proxy = settings.read_file(tmp_path / "x.yaml").proxy
    assert proxy.callers == ("111122223333", user)
    assert proxy.rest_api is not None
    assert "\n\n" not in text
    assert text.endswith("access: iam\n")


def test_it_may_extend_a_file(tmp_path: Path) -> None:
    (text,) = rendered((TEMPLATE, answers(extends="defaults/team.yaml")))
    (tmp_path / "defaults").mkdir()
    (tmp_path / "defaults" / "team.yaml").write_text("tags: {owner: team}", "utf-8")
    (tmp_path / "x.yaml").write_text(text, "utf-8")
    assert settings.read_file(tmp_path / "x.yaml").tags == {"owner": "team"}


def test_a_front_door_is_asked_for_where_a_proxy_is_deployed() -> None:
    assert QUESTIONS["front_door"]["when"] == QUESTIONS["callers"]["when"]
    asked = rendered(*((QUESTIONS["front_door"]["when"], {"model": model}) for model in MODELS))
    apis = {entry.model: entry.api for entry in catalog.entries()}
    assert asked == [str(apis[model] in source.apis()) for model in MODELS]


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("name", ["a", "team-a", "a" * 30], ["", "A", "-a", "a-", "a.b", "../a", "a" * 31]),
        ("account", ["111122223333"], ["", "1", "1111222233334", "a11122223333"]),
        ("extends", ["", "defaults/team.yaml"], ["defaults/team"]),
    ],
)
def test_answers_are_validated(question: str, right: list[str], wrong: list[str]) -> None:
    validator = QUESTIONS[question]["validator"]
    complaints = rendered(*((validator, {question: answer}) for answer in [*right, *wrong]))
    assert [bool(text.strip()) for text in complaints] == [False] * len(right) + [True] * len(wrong)
