"""docs/contract.md against the templates of all environments and examples, in both directions."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest

from endpointctl.doctor import prerequisites
from sagemaker_llm.models.catalog import Api
from stacks import names
from tests.support.templates import ROOT, Templates

DOCUMENT = (ROOT / "docs" / "contract.md").read_text("utf-8")

# What a value of a type looks like, also when CloudFormation makes it.
TYPES = {
    "name": r"[A-Za-z0-9][A-Za-z0-9-]{0,63}",
    "ARN": r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:endpoint/[a-z0-9-]+",
    "URL": r"https://[a-z0-9.-]+/(live/)?",
    "API": "|".join(get_args(Api)),
}


def _rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, without backticks around a whole cell."""
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found
    lines = [line for line in found[1].splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def _declared(templates: Templates) -> set[tuple[str, str]]:
    """Return each output and parameter with its stack."""
    outputs, parameters = set(), set()
    for place, template in templates.items():
        environment, _, stack = place.partition("/")
        outputs |= {(name, stack) for name in template.get("Outputs", {})}
        for one in template["Resources"].values():
            if one["Type"] == "AWS::SSM::Parameter":
                assert one["Properties"]["Type"] == "String"
                parameters.add((one["Properties"]["Name"].replace(f"/{environment}/", "/<environment>/"), stack))
    return outputs | parameters


def test_every_output_and_parameter_is_documented_and_none_is_stale(templates: Templates) -> None:
    documented = {(name, stack) for name, stack, *_ in _rows("Outputs") + _rows("Parameters")}
    others = set(re.findall(r"Not part of the contract: `(\w+)`", DOCUMENT))
    excluded = {(name, stack) for name, stack in _declared(templates) if name in others}
    assert {name for name, _ in excluded} == others
    assert documented | excluded == _declared(templates)
    assert not documented & excluded


def test_the_names_are_those_that_programs_find_things_by() -> None:
    outputs = {name for name, *_ in _rows("Outputs")}
    assert {names.URL_OUTPUT, names.FUNCTION_OUTPUT} <= outputs
    parameters = {names.parameter_name("<environment>", key) for key in get_args(names.Parameter)}
    assert {name for name, *_ in _rows("Parameters")} == parameters


@pytest.mark.parametrize("row", _rows("Outputs") + _rows("Parameters"), ids=lambda row: row[0].rpartition("/")[2])
def test_types(row: list[str], templates: Templates) -> None:
    """The example is of the type, and so is each value that the templates hold literally."""
    name, stack, kind, meaning, example, _since = row
    assert meaning
    values = {example}
    for place, template in templates.items():
        environment, _, of = place.partition("/")
        if of == stack:
            values |= _values(template, name.replace("<environment>", environment))
    assert [value for value in values if not re.fullmatch(TYPES[kind], value)] == []


def _values(template: dict[str, Any], name: str) -> set[str]:
    outputs = [one["Value"] for key, one in template.get("Outputs", {}).items() if key == name]
    properties = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::SSM::Parameter"]
    found = outputs + [one["Value"] for one in properties if one["Name"] == name]
    return {value for value in found if isinstance(value, str)}


def test_every_api_is_named() -> None:
    (meaning,) = (row[3] for row in _rows("Parameters") if row[0].endswith("/api"))
    assert set(re.findall(r"`(\w+)`", meaning)) == set(get_args(Api))


def test_no_row_is_newer_than_this_version() -> None:
    current = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    since = {row[-1] for heading in ("Stacks", "Outputs", "Parameters") for row in _rows(heading)}
    assert all(_version(one) <= _version(current) for one in since)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def test_the_stacks_have_these_names_and_tags(assembly: Path, example_assembly: Path) -> None:
    documented = {stack: name for stack, name, *_ in _rows("Stacks")}
    assert tuple(documented) == names.STACKS
    found = [
        (folder.name.removeprefix("assembly-"), one["properties"])
        for root in (assembly, example_assembly)
        for folder in root.glob("assembly-*")
        for one in json.loads((folder / "manifest.json").read_text("utf-8"))["artifacts"].values()
        if one["type"] == "aws:cloudformation:stack"
    ]
    assert found
    for environment, properties in found:
        stack = properties["stackName"].rpartition("-")[2]
        assert properties["stackName"] == documented[stack].replace("<environment>", environment)
        assert {"project": names.PROJECT, "environment": environment}.items() <= properties["tags"].items()


def test_the_doctor_knows_the_bootstrap_version_that_the_templates_require(templates: Templates) -> None:
    for template in templates.values():
        (assertion,) = template["Rules"]["CheckBootstrapVersion"]["Assertions"]
        refused, _ = assertion["Assert"]["Fn::Not"][0]["Fn::Contains"]
        assert max(int(version) for version in refused) + 1 == prerequisites.BOOTSTRAP_VERSION
