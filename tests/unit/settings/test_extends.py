"""Files that extend others: what is merged, which file an error names, and the schemas of partial files."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

from stacks import settings
from stacks.settings import ENVIRONMENTS, files, schema
from stacks.settings.errors import SettingsError
from stacks.stage import declare
from tests.support.templates import EXAMPLES

GOOD = yaml.safe_load((ENVIRONMENTS / "dev.yaml").read_text("utf-8"))
TEAM = "defaults/team.yaml"
Write = Callable[..., Path]
ENDLESS = "is not YAML: it holds more than 10000 values, with all that aliases repeat"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return what writes files, by their path in the folder of the environments, and returns that folder."""
    folder = tmp_path / "environments"
    monkeypatch.setattr(settings, "ENVIRONMENTS", folder)

    def write(contents: dict[str, Any]) -> Path:
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), "utf-8")
        return folder

    return write


def base(**sections: Any) -> dict[str, Any]:
    """Return a complete file but for the endpoint's name."""
    content: dict[str, Any] = copy.deepcopy(GOOD)
    del content["endpoint"]["name"]
    for key, value in sections.items():
        content[key] = {**content.get(key, {}), **value} if isinstance(value, dict) else value
    return content


def named(name: str = "x", **sections: Any) -> dict[str, Any]:
    return {"extends": TEAM, **sections, "endpoint": {"name": name, **sections.get("endpoint", {})}}


def problem(name: str = "x") -> str:
    with pytest.raises(SettingsError) as caught:
        settings.read(name)
    (line,) = caught.value.problems
    assert "\n" not in line
    return line


def test_sections_merge_and_lists_and_values_replace(write: Write) -> None:
    pools = [{"instance_type": name} for name in ("ml.g5.2xlarge", "ml.g5.xlarge")]
    below = base(tags={"owner": "team", "cost": "1"}, proxy={"memory_mib": 640, "callers": ["111122223333"] * 2})
    below["endpoint"] |= {"instance_type": None, "instance_pools": pools, "instance_count": 2}
    above = named(
        tags={"cost": "2"}, proxy={"callers": ["222233334444"]}, endpoint={"instance_pools": pools[1:], "weight": 2.0}
    )
    write({TEAM: below, "x.yaml": above})
    found = settings.read("x")
    assert found.tags == {"owner": "team", "cost": "2"}
    assert (found.proxy.memory_mib, found.proxy.callers) == (640, ("222233334444",))
    endpoint = found.endpoint
    assert [pool.instance_type for pool in endpoint.instance_pools] == ["ml.g5.xlarge"]
    assert (endpoint.name, endpoint.instance_count, endpoint.weight) == ("x", 2, 2)
    assert settings.names() == ("x",)  # what lies in a folder is no environment


def test_null_stands_as_null(write: Write) -> None:
    vpc = {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}
    write({TEAM: base(endpoint={"vpc": vpc}), "x.yaml": named(endpoint={"vpc": None}), "y.yaml": named("y")})
    assert settings.read("x").endpoint.vpc is None
    assert settings.read("y").endpoint.vpc is not None


def test_another_kind_of_value_replaces(write: Write) -> None:
    write({TEAM: base(proxy=None), "x.yaml": named(proxy={"memory_mib": 640})})
    assert settings.read("x").proxy.memory_mib == 640


def test_a_chain_and_an_environment_beside_it(write: Write) -> None:
    """A file is named relative to the one that extends it."""
    team = {"extends": "company/all.yaml", "tags": {"by": "team"}}
    write({"defaults/company/all.yaml": base(tags={"by": "all", "of": "all"}), TEAM: team})
    write({"x.yaml": named(), "y.yaml": {"extends": "x.yaml", "endpoint": {"name": "y"}}})
    write({"z.yaml": {"extends": "./defaults/../y.yaml", "endpoint": {"name": "z"}, "tags": {"of": "z"}}})
    assert settings.read("z").tags == {"by": "team", "of": "z"}
    assert [settings.read(name).endpoint.name for name in settings.names()] == ["x", "y", "z"]


def test_a_long_chain_and_a_byte_order_mark(write: Write) -> None:
    chain = {f"defaults/{n}.yaml": f"extends: {n + 1}.yaml\n" for n in range(500)}
    write(
        {
            "x.yaml": {**named(), "extends": "defaults/0.yaml"},
            **chain,
            "defaults/500.yaml": "\ufeff" + yaml.safe_dump(base()),
        }
    )
    assert settings.read("x").region == GOOD["region"]


def test_a_changed_base_is_read_anew(write: Write) -> None:
    write({TEAM: base(tags={"a": "1"}), "x.yaml": named()})
    assert settings.read("x").tags == {"a": "1"}
    write({TEAM: base(tags={"a": "2"})})
    assert settings.read("x").tags == {"a": "2"}


R = {"model": {"catalog": "command-r-08-2024", "package_arn": None}}
OF_BASE, OF_X = f"environments/{TEAM}: ", "environments/x.yaml: "


@pytest.mark.parametrize(
    ("below", "above", "start"),
    [
        ({"region": "Virginia"}, {}, OF_BASE + "region: 'Virginia' is wrong"),
        ({}, {"region": "Virginia"}, OF_X + "region: 'Virginia' is wrong"),
        ({"region": "Virginia"}, {"region": "Ohio"}, OF_X + "region: 'Ohio' is wrong"),
        ({"regoin": "a"}, {}, OF_BASE + "regoin: unknown key; did you mean region? allowed: region, account"),
        ({}, {"extend": "a"}, OF_X + "extend: unknown key; did you mean extends? allowed: region, account"),
        ({"proxy": {"memory": 1}}, {"proxy": {"log_level": "INFO"}}, OF_BASE + "proxy.memory: unknown key; did you"),
        ({"proxy": {"log_level": "INFO"}}, {"proxy": {"memory": 1}}, OF_X + "proxy.memory: unknown key; did you"),
        ({"endpoint": {"instance_type": "ml.m5.large"}}, {}, OF_BASE + "endpoint.instance_type: 'ml.m5.large' is no"),
        # The package of the one does not run on the type of the other: the file that has the type.
        (R, {}, OF_BASE + "endpoint.instance_type: 'ml.g5.xlarge' has 1 x NVIDIA A10G"),
        ({}, R, OF_BASE + "endpoint.instance_type: 'ml.g5.xlarge' has 1 x NVIDIA A10G"),
        (R, {"endpoint": {"instance_type": "ml.g5.2xlarge"}}, OF_X + "endpoint.instance_type: 'ml.g5.2xlarge' has"),
        # Two that exclude each other: the file of the first.
        (
            {},
            {"endpoint": {"instance_pools": [{"instance_type": "ml.g5.xlarge"}]}},
            OF_BASE + "endpoint.instance_type: 'ml.g5.xlarge' and instance_pools exclude each other",
        ),
        # In a list, also what is missing is of the file that has the list.
        (
            {"endpoint": {"instance_type": None, "instance_pools": [{}]}},
            {},
            OF_BASE + "endpoint.instance_pools.0.instance_type: is missing",
        ),
        ({"proxy": {"callers": ["bob"]}}, {}, OF_BASE + "proxy.callers.0: 'bob' is wrong"),
        ({"proxy": {"reserved_concurrency": 0}}, {}, OF_BASE + "proxy.reserved_concurrency."),
        # What no file has is missing in the environment's own.
        ({"region": None}, {}, OF_BASE + "region: None is wrong"),
        ({"endpoint": {"vpc": {"subnet_ids": ["a"]}}}, {}, OF_X + "endpoint.vpc.security_group_ids: is missing"),
        ({"model": {"package_arn": None}}, {}, OF_BASE + "model.package_arn: None is missing, and catalog too"),
        ({}, {"model": None}, OF_X + "model: None is wrong"),
        (
            {"endpoint": {"more_variants": {"-": {}}}},
            {"endpoint": {"more_variants": None}},
            OF_X + "endpoint.more_variants: None is wrong",
        ),
        ({"tags": {"a.b": 1}}, {}, OF_BASE + "tags.a.b: 1 is wrong"),
        ({"termination_protection": True}, {}, OF_X + "account: None is missing, and the environment is protected"),
    ],
)
def test_an_error_names_the_file_of_the_value(
    write: Write, below: dict[str, Any], above: dict[str, Any], start: str
) -> None:
    write({TEAM: base(**below), "x.yaml": named(**above) if above.get("model", 1) else {**named(), **above}})
    with pytest.raises(SettingsError) as caught:
        settings.read("x")
    assert caught.value.problems[0].startswith(start)


def test_a_wrong_name_in_a_mapping(write: Write) -> None:
    write({TEAM: base(endpoint={"more_variants": {"-": {"model": {}, "instance_type": None}}}), "x.yaml": named()})
    with pytest.raises(SettingsError) as caught:
        settings.read("x")
    assert caught.value.problems[0].startswith(f"{OF_BASE}endpoint.more_variants.-")


@pytest.mark.parametrize(
    ("below", "above", "start"),
    [
        ({"endpoint": {"volume_size_gb": 100}}, {}, OF_BASE + "endpoint.volume_size_gb: 100 is not for ml.g5.xlarge"),
        ({}, {"endpoint": {"volume_size_gb": 100}}, OF_X + "endpoint.volume_size_gb: 100 is not for ml.g5.xlarge"),
        ({"proxy": {"rest_api": {"access": "api_keys"}}}, {}, OF_X + "proxy.rest_api.clients: {} are missing"),
    ],
)
def test_a_refusal_of_the_constructs_names_the_file_of_the_value(
    write: Write, below: dict[str, Any], above: dict[str, Any], start: str
) -> None:
    write({TEAM: base(**below), "x.yaml": named(**above)})
    with pytest.raises(SettingsError) as caught:
        declare(cdk.App(builtin_cloud_formation_validation=False), "x")
    (line,) = caught.value.problems
    assert line.startswith(start)


CUT = "allowed: a chain that ends; cut it here"
ALLOWED = "; allowed: a file in the folder of the environments, relative to this file, e.g. defaults/team.yaml"


@pytest.mark.parametrize(
    ("contents", "line"),
    [
        ({"x.yaml": "extends: a/b.yaml"}, f"{OF_X}extends: 'a/b.yaml' does not exist{ALLOWED}"),
        ({"x.yaml": "extends: 1"}, f"{OF_X}extends: 1 is not the path of a YAML file{ALLOWED}"),
        ({"x.yaml": "extends: [a.yaml]"}, f"{OF_X}extends: ['a.yaml'] is not the path of a YAML file{ALLOWED}"),
        ({"x.yaml": "extends: schema.json"}, f"{OF_X}extends: 'schema.json' is not the path of a YAML file{ALLOWED}"),
        ({"x.yaml": "extends: ''"}, f"{OF_X}extends: '' is not the path of a YAML file{ALLOWED}"),
        ({"x.yaml": 'extends: "a\\0.yaml"'}, f"{OF_X}extends: 'a\\x00.yaml' is not the path of a YAML file{ALLOWED}"),
        (
            {"x.yaml": "extends: ../o.yaml", "../o.yaml": base()},
            f"{OF_X}extends: '../o.yaml' is outside the folder of the environments{ALLOWED}",
        ),
        (
            {"x.yaml": "extends: /etc/o.yaml"},
            f"{OF_X}extends: '/etc/o.yaml' is outside the folder of the environments{ALLOWED}",
        ),
        (
            {"x.yaml": "extends: d.yaml", "d.yaml/a": ""},
            f"{OF_X}extends: 'd.yaml' cannot be read: Is a directory{ALLOWED}",
        ),
        (
            {"x.yaml": "extends: x.yaml"},
            f"{OF_X}extends: x.yaml -> x.yaml is a circle; " + CUT,
        ),
        (
            {"x.yaml": named(), TEAM: {"extends": "../y.yaml"}, "y.yaml": {"extends": "./" + TEAM}},
            f"environments/y.yaml: extends: {TEAM} -> y.yaml -> {TEAM} is a circle; " + CUT,
        ),
        (
            {"x.yaml": named(), TEAM: {"extends": "gone.yaml"}},
            f"{OF_BASE}extends: 'gone.yaml' does not exist{ALLOWED}",
        ),
    ],
)
def test_a_file_that_cannot_be_extended(write: Write, contents: dict[str, Any], line: str) -> None:
    write(contents)
    assert problem() == line


@pytest.mark.parametrize(
    ("content", "start"),
    [
        ("a: [", "is not YAML: "),
        ("region: a\nregion: b", "is not YAML: the key 'region' is given twice"),
        ("[" * 5000, "is nested too deeply"),
        ("a: &a {b: *a}", ENDLESS),
        ("a: &a [*a]", ENDLESS),
        ("x0: &x0 [1]\n" + "".join(f"x{n + 1}: &x{n + 1} [*x{n}, *x{n}]\n" for n in range(60)), ENDLESS),
        ("x0: &x0 {a: 1}\n" + "".join(f"x{n + 1}: &x{n + 1} {{a: *x{n}, b: *x{n}}}\n" for n in range(60)), ENDLESS),
        ("x0: &x0 {a: 1}\n" + "".join(f"x{n + 1}: &x{n + 1} {{<<: [*x{n}, *x{n}]}}\n" for n in range(60)), ENDLESS),
        ("a: 1\n---\nb: 2", "is not YAML: expected a single document"),
        ("a: 2026-02-30", "is not YAML: '2026-02-30' is no timestamp"),
        (f"a: {'9' * 5000}", f"is not YAML: '{'9' * 39} is no int"),
        ("a: !!bool maybe", "is not YAML: 'maybe' is no bool"),
        ("a: !!int ''", "is not YAML: '' is no int"),
        ("- region", "holds no keys; allowed: region, account, model"),
        ("", "holds no keys; allowed: region, account, model"),
    ],
)
def test_a_base_that_is_no_settings(write: Write, content: str, start: str) -> None:
    write({TEAM: content, "x.yaml": named(region="us-east-1", model=GOOD["model"], endpoint=GOOD["endpoint"])})
    assert problem().startswith(f"{OF_BASE}{start}")


def test_a_base_behind_a_link(write: Write, tmp_path: Path) -> None:
    folder = write({TEAM: base(), "x.yaml": named(), "y.yaml": {**named("y"), "extends": "out.yaml"}})
    (tmp_path / "out.yaml").write_text(yaml.safe_dump(base()), "utf-8")
    (folder / "out.yaml").symlink_to(tmp_path / "out.yaml")
    assert problem("y") == (
        f"environments/y.yaml: extends: 'out.yaml' cannot be read: it is a link that leads out of the folder{ALLOWED}"
    )
    (folder / "out.yaml").unlink()
    (folder / "out.yaml").symlink_to("out.yaml")
    assert problem("y") == (
        f"environments/y.yaml: extends: 'out.yaml' cannot be read: Too many levels of symbolic links{ALLOWED}"
    )
    (folder / "out.yaml").unlink()
    (folder / "out.yaml").symlink_to(folder / TEAM)
    assert files.read(folder / "y.yaml").values["region"] == GOOD["region"]


def test_an_environment_that_keeps_the_name_of_the_one_it_extends(write: Write) -> None:
    write({"x.yaml": GOOD, "y.yaml": {"extends": "x.yaml"}})
    assert problem("y").startswith(
        "environments/y.yaml: endpoint.name: 'cohere-dev' (given in environments/x.yaml) is also that of "
        "environments/x.yaml, in the same account and region; "
    )


def test_a_broken_neighbour_is_reported_when_it_is_read(write: Write) -> None:
    write({TEAM: base(), "x.yaml": named(), "y.yaml": "extends: gone.yaml", "z.yaml": "endpoint: 1"})
    assert settings.read("x").endpoint.name == "x"


def test_many_environments_parse_each_file_once(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write({TEAM: base(tags={"of": "many"}), **{f"e{number}.yaml": named(f"e{number}") for number in range(20)}})
    parsed: list[object] = []
    load = yaml.load

    def counted(text: str, loader: Any) -> Any:
        parsed.append(text)
        return load(text, loader)

    monkeypatch.setattr(yaml, "load", counted)
    for name in settings.names():
        settings.read(name)
    assert len(parsed) == 21


# ---- The schemas ---------------------------------------------------------------------------------------------------


def validator(text: str) -> Any:
    documents = {path.name: json.loads(text) for path, text in schema.written().items()}
    registry: Any = Registry().with_resources((name, Resource.from_contents(one)) for name, one in documents.items())
    return jsonschema.Draft202012Validator(json.loads(text), registry=registry)


ENVIRONMENT, BASE = validator(schema.schema()), validator(schema.base_schema())


@pytest.mark.parametrize("path", [*ENVIRONMENTS.glob("*.yaml"), *EXAMPLES.glob("*.yaml")], ids=lambda path: path.stem)
def test_a_complete_file(path: Path) -> None:
    # As editors do, which know no dates.
    content = json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8")), default=str))
    assert list(ENVIRONMENT.iter_errors(content)) == []
    assert list(ENVIRONMENT.iter_errors({**content, "extends": TEAM})) == []


@pytest.mark.parametrize(
    "content",
    [
        {"endpoint": {"name": "x"}},
        {"region": "us-east-1"},
        {"endpoint": {"autoscaling": {"target": 4}, "more_variants": {"New": {"weight": 1}}, "vpc": {}}},
        {"proxy": {"rest_api": {"clients": {"a": {"burst": 1}}}}, "tags": {"a": "b"}},
    ],
)
def test_a_partial_file(content: dict[str, Any]) -> None:
    assert list(BASE.iter_errors(content)) == []
    assert list(BASE.iter_errors({**content, "extends": "all.yaml"})) == []
    assert list(ENVIRONMENT.iter_errors({**content, "extends": TEAM})) == []
    assert list(ENVIRONMENT.iter_errors(content))
    assert list(ENVIRONMENT.iter_errors({**content, "extends": None}))


@pytest.mark.parametrize(
    "content",
    [
        {"endpoint": {"autoscaling": {"target": 4}}},
        {"endpoint": {"more_variants": {"New": {"weight": 1}}}},
        {"endpoint": {"vpc": {}}},
        {"proxy": {"rest_api": {"clients": {"a": {"burst": 1}}}}},
    ],
)
def test_a_complete_file_has_complete_sections(content: dict[str, dict[str, Any]]) -> None:
    complete = {**GOOD, **{key: {**GOOD.get(key, {}), **value} for key, value in content.items()}}
    assert list(ENVIRONMENT.iter_errors(complete))
    assert list(ENVIRONMENT.iter_errors({**complete, "extends": TEAM})) == []


@pytest.mark.parametrize(
    "content",
    [
        {"regoin": "us-east-1"},
        {"endpoint": {"nam": "x"}},
        {"endpoint": {"instance_pools": [{}]}},
        {"extends": 1},
        {"extends": "schema.json"},
        {"tags": {"a": 1}},
    ],
)
def test_a_wrong_partial_file(content: dict[str, Any]) -> None:
    assert list(BASE.iter_errors(content))
    assert list(ENVIRONMENT.iter_errors({"extends": TEAM, **content}))
