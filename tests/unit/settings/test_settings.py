"""Environment files: the three that are here, and every way in which one can be wrong, in one line."""

import copy
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
import yaml
from pydantic import ValidationError

import app
from stacks import settings
from stacks.settings import ENVIRONMENTS, schema
from stacks.settings.errors import SettingsError
from tests.support.templates import EXAMPLES

GOOD = yaml.safe_load((ENVIRONMENTS / "dev.yaml").read_text("utf-8"))


def problems(tmp_path: Path, change: Callable[[dict[str, Any]], object] | str) -> list[str]:
    folder = tmp_path / "environments"
    folder.mkdir()
    content: Any = copy.deepcopy(GOOD)
    if callable(change):
        change(content)
    (folder / "x.yaml").write_text(change if isinstance(change, str) else yaml.safe_dump(content), "utf-8")
    with pytest.raises(SettingsError) as caught:
        settings.read_file(folder / "x.yaml")
    return list(caught.value.problems)


def test_the_environments() -> None:
    assert settings.names() == ("demo", "dev", "local", "prod")
    local, dev, prod = (settings.read(name) for name in ("local", "dev", "prod"))
    assert (local.region, local.account) == ("us-east-1", "111122223333")
    assert (dev.region, dev.account, dev.endpoint.instance_type) == ("us-east-1", None, "ml.g5.xlarge")
    assert (prod.region, prod.termination_protection) == ("eu-west-1", True)
    assert [pool.instance_type for pool in prod.endpoint.instance_pools] == ["ml.p5.48xlarge", "ml.p4de.24xlarge"]
    assert (dev.api, prod.api) == ("generate", "chat")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        settings.read("dev").endpoint.instance_count = 3


@pytest.mark.parametrize("path", schema.written(), ids=lambda path: path.name)
def test_the_schema_is_fresh(path: Path) -> None:
    assert path.read_text("utf-8") == schema.written()[path], "run `make settings`"


def _pools(content: dict[str, Any], *types: str) -> None:
    content["endpoint"].pop("instance_type")
    content["endpoint"]["instance_pools"] = [{"instance_type": name} for name in types]


EMBED = {"model": {"catalog": "embed-english-v3"}}
MEDIUM = {"model": {"catalog": "medium-1.5"}}
R_PLUS = {"model": {"catalog": "command-r-plus-08-2024"}}
POOLS = [{"instance_type": "ml.g5.2xlarge"}, {"instance_type": "ml.g5.xlarge"}]
OF_EMBED = (
    "arn:aws:sagemaker:us-east-1:865070037744:model-package/"
    "cohere-embed-english-v3-8-0117-6d3f676bd44232428f648851d90f9f9c"
)


def _schedule(**change: str) -> dict[str, Any]:
    night = {"name": "night", "schedule": "cron(0 20 * * ? *)", "min_instances": 1, "max_instances": 1, **change}
    return {"max_instances": 2, "target": 4, "schedules": [night]}


WRONG: list[tuple[Callable[[dict[str, Any]], object] | str, str]] = [
    (lambda c: c.update(region="eu-west-1"), "model.package_arn: 'arn:aws:sagemaker:us-east-1:"),
    (lambda c: c.update(region="Virginia"), "region: 'Virginia' is wrong; allowed: The AWS region"),
    (lambda c: c.update(account=111122223333), "account: 111122223333 is wrong; allowed: a valid string in quotes"),
    (lambda c: c.update(account="1"), "account: '1' is wrong; allowed: The AWS account, 12 digits in quotes"),
    (lambda c: c.update(endpiont={}), "endpiont: unknown key; did you mean endpoint? allowed: region, account, model"),
    (lambda c: c.pop("model"), "model: is missing; add it"),
    (
        lambda c: c.update(proxy={"default_max_tokens": 11, "max_tokens": 10}),
        "proxy.default_max_tokens: 11 is more than max_tokens; allowed: at most 10",
    ),
    (lambda c: c["model"].pop("package_arn"), "model.package_arn: None is missing, and catalog too; allowed: one of"),
    (
        lambda c: c["model"].update(package_arn="x"),
        "model.package_arn: 'x' is not the ARN of a model package; allowed:",
    ),
    (
        lambda c: c["endpoint"].update(name="Cohere_Dev"),
        "endpoint.name: 'Cohere_Dev' is wrong; allowed: The endpoint's",
    ),
    (
        lambda c: c["endpoint"].update(instance_type="ml.m5.xlarge"),
        "endpoint.instance_type: 'ml.m5.xlarge' is no GPU type that SageMaker has for endpoints; allowed: sizes of",
    ),
    (
        lambda c: c["endpoint"].update(instance_type="ml.g5.huge"),
        "endpoint.instance_type: 'ml.g5.huge' is no GPU type that SageMaker has for endpoints; allowed: sizes of",
    ),
    (
        lambda c: c["endpoint"].update(instance_cout=2),
        "endpoint.instance_cout: unknown key; did you mean instance_count?",
    ),
    (lambda c: c["endpoint"].update(instance_count="2"), "endpoint.instance_count: '2' is wrong; allowed: a valid int"),
    (lambda c: c["endpoint"].update(instance_count=True), "endpoint.instance_count: True is wrong; allowed: a valid"),
    (lambda c: c["endpoint"].update(instance_count=0), "endpoint.instance_count: 0 is wrong; allowed: greater than or"),
    (
        lambda c: c["endpoint"].update(log_retention_days=31),
        "endpoint.log_retention_days: 31 is wrong; allowed: 1, 3, 5",
    ),
    (
        lambda c: c["endpoint"].update(model_download_timeout_seconds=30),
        "endpoint.model_download_timeout_seconds: 30 is wrong; allowed: greater than or equal to 60",
    ),
    (
        lambda c: c["endpoint"].update(inference_ami_version="al2"),
        "endpoint.inference_ami_version: 'al2' is wrong; allowed: 'al2-ami-sagemaker-inference-gpu-2'",
    ),
    (lambda c: c.update(proxy={"callers": ["bob"]}), "proxy.callers.0: 'bob' is wrong; allowed: "),
    (lambda c: c.update(proxy={"memory_mib": 64}), "proxy.memory_mib: 64 is wrong; allowed: greater than or equal"),
    (lambda c: c.update(proxy=None), "proxy: None is wrong; allowed: a valid dictionary"),
    (lambda c: c.update(tags={"a": 1}), "tags.a: 1 is wrong; allowed: a valid string in quotes"),
    (lambda c: c["model"].update(catalog="embed-v4"), "model.package_arn: 'arn:aws:sagemaker:us-east-1:865070037744:"),
    (lambda c: c.update(model={"catalog": "embed-v5"}), "model.catalog: 'embed-v5' is not in the catalogue; allowed: "),
    (lambda c: c.update(model={"catalog": "embed-v4", "api": "chat"}), "model.api: 'chat' is known for a model of the"),
    (
        lambda c: c["model"].update(package_arn=c["model"]["package_arn"].replace("cohere", "other")),
        "model.api: None is missing, and the catalogue does not know the package; allowed: generate, chat, chat_v2, ",
    ),
    (
        lambda c: c.update(model={"catalog": "command-r-08-2024"}),
        "endpoint.instance_type: 'ml.g5.xlarge' has 1 x NVIDIA A10G, for which no package of command-r-08-2024",
    ),
    (lambda c: c["endpoint"].pop("instance_type"), "endpoint.instance_type: None is missing, and instance_pools too"),
    (
        lambda c: c["endpoint"].update(instance_pools=[{"instance_type": "ml.g5.2xlarge"}]),
        "endpoint.instance_type: 'ml.g5.xlarge' and instance_pools exclude each other",
    ),
    (
        lambda c: _pools(c, "ml.g5.xlarge", "ml.m5.xlarge"),
        "endpoint.instance_pools.1.instance_type: 'ml.m5.xlarge' is no GPU type",
    ),
    (
        lambda c: _pools(c, *["ml.g5.xlarge"] * 6),
        "endpoint.instance_pools: ",
    ),
    (
        lambda c: c["endpoint"].update(autoscaling={"max_instances": 2, "target": 4, "min_instances": 0}),
        "endpoint.autoscaling.min_instances: 0 is wrong; allowed: greater than or equal to 1: The fewest",
    ),
    (
        lambda c: c["endpoint"].update(autoscaling={"max_instances": 2, "target": 4, "min_instnces": 1}),
        "endpoint.autoscaling.min_instnces: unknown key; did you mean min_instances?",
    ),
    (
        lambda c: c["endpoint"].update(vpc={"subnet_ids": [], "security_group_ids": ["sg-1"]}),
        "endpoint.vpc.subnet_ids: [] is wrong; allowed: ",
    ),
    (
        lambda c: c["endpoint"].update(data_capture={"percentage": 101}),
        "endpoint.data_capture.percentage: 101 is wrong; allowed: less than or equal to 100: The share",
    ),
    (
        lambda c: c["endpoint"].update(more_variants={"New": {"instance_type": "ml.g5.xlarge"}}),
        "endpoint.more_variants.New.model: is missing; add it (",
    ),
    (
        lambda c: c["endpoint"].update(volume_key_arn="alias/key"),
        "endpoint.volume_key_arn: 'alias/key' is wrong; allowed: The KMS key",
    ),
    (
        lambda c: c["endpoint"].update(routing_strategy="KV_AWARE"),
        "endpoint.routing_strategy: 'KV_AWARE' is wrong; allowed: 'LEAST_OUTSTANDING_REQUESTS' or 'RANDOM'",
    ),
    (
        lambda c: c["endpoint"].update(autoscaling=_schedule(schedule="cron(0 99 * * *)")),
        "endpoint.autoscaling.schedules.0.schedule: 'cron(0 99 * * *)' has 5 fields instead of 6; allowed: cron(minute",
    ),
    (
        lambda c: c["endpoint"].update(autoscaling=_schedule(timezone="Mars/X")),
        "endpoint.autoscaling.schedules.0.timezone: 'Mars/X' is no IANA time zone; allowed: e.g. UTC",
    ),
    (
        lambda c: c["endpoint"].update(more_variants={"New": {**EMBED, "instance_type": "ml.g5.xlarge"}}),
        "endpoint.more_variants.New.model: 'embed' is what its container answers, but the main variant's answers gener",
    ),
    (
        lambda c: c["endpoint"].update(more_variants={"New": {**R_PLUS, "instance_type": "ml.g5.xlarge"}}),
        "endpoint.more_variants.New.instance_type: 'ml.g5.xlarge' has 1 x NVIDIA A10G",
    ),
    (
        lambda c: c["endpoint"].update(
            more_variants={"a" + "-" * 62 + "b": {**MEDIUM, "instance_type": "ml.g5.xlarge"}}
        ),
        "endpoint.more_variants.a--",
    ),
    (
        lambda c: (
            c["endpoint"].pop("instance_type"),
            c["endpoint"].update(instance_pools=[*POOLS[:1], {**POOLS[1], "package_arn": OF_EMBED}]),
        ),
        "endpoint.instance_pools: 'embed' is what its container answers, but the main variant's answers generate",
    ),
    (lambda c: c.update(termination_protection=True), "account: None is missing, and the environment is protected"),
    (lambda c: c.update(permissions_boundary_arn="x"), "permissions_boundary_arn: 'x' is wrong; allowed: A policy"),
    ("- a", "holds no keys; allowed: region, account, model"),
    ("", "holds no keys; allowed: region, account, model"),
    ("a: [", "is not YAML: "),
    ("region: a\nregion: b", "is not YAML: the key 'region' is given twice"),
    ("? [a]\n: b", "is not YAML: "),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_a_wrong_file(tmp_path: Path, change: Callable[[dict[str, Any]], object] | str, message: str) -> None:
    (problem,) = problems(tmp_path, change)
    assert problem.startswith(f"environments/x.yaml: {message}")
    assert "\n" not in problem


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    def two(content: dict[str, Any]) -> None:
        content["endpoint"].update(name="X", instance_count=0)

    assert len(problems(tmp_path, two)) == 2


@pytest.mark.parametrize("name", ["nope", "../dev", "Dev", "", "dev.yaml", "x" * 40])
def test_a_wrong_name(name: str) -> None:
    with pytest.raises(SettingsError, match=r"^environment: .*allowed: "):
        settings.read(name)


def test_synth_stops_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = functools.partial(cdk.App, context={"environment": "nope"}, outdir=str(tmp_path))
    monkeypatch.setattr(cdk, "App", made)
    with pytest.raises(SystemExit) as caught:
        app.main()
    allowed = "allowed: demo, dev, local, prod; or add environments/nope.yaml"
    assert caught.value.code == f"environment: 'nope' does not exist; {allowed}"
    assert list(tmp_path.glob("*.json")) == []


def _environments(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Callable[[dict[str, Any]], object]) -> None:
    for name, change in changes.items():
        content = copy.deepcopy(GOOD)
        change(content)
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content), "utf-8")
    monkeypatch.setattr(settings, "ENVIRONMENTS", folder)


def test_two_environments_with_one_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _environments(tmp_path, monkeypatch, one=lambda c: c, two=lambda c: c["endpoint"].update(instance_count=2))
    with pytest.raises(SettingsError, match=r"one\.yaml: endpoint.name: 'cohere-dev' is also that of .*two\.yaml"):
        settings.read("one")


def test_the_same_name_in_another_account_is_another_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = {"one": "111122223333", "two": "222233334444"}
    _environments(
        tmp_path, monkeypatch, **{name: lambda c, a=account: c.update(account=a) for name, account in accounts.items()}
    )
    assert settings.read("one").endpoint.name == settings.read("two").endpoint.name


REST: dict[str, Any] = {"access": "api_keys", "clients": {"a": {"requests_per_second": 1.0, "burst": 2}}}


@pytest.mark.parametrize(
    ("change", "start"),
    [
        (
            lambda c: c["endpoint"].update(
                weight=0.5, more_variants={"New": {**MEDIUM, "instance_type": "ml.g5.xlarge", "volume_size_gb": 100}}
            ),
            "endpoint.more_variants.New.volume_size_gb: 100 is not for ml.g5.xlarge, which",
        ),
        (
            # The same value stands in the main variant, where it is right.
            lambda c: c["endpoint"].update(
                instance_count=3,
                more_variants={
                    "New": {
                        **MEDIUM,
                        "instance_type": "ml.g5.xlarge",
                        "instance_count": 3,
                        "autoscaling": {"max_instances": 2, "target": 4.0},
                    }
                },
            ),
            "endpoint.more_variants.New.instance_count: 3 is out of range",
        ),
        (
            # It is the default: the file does not have it.
            lambda c: c["endpoint"].update(
                more_variants={
                    "New": {
                        **MEDIUM,
                        "instance_type": "ml.g5.xlarge",
                        "autoscaling": {"max_instances": 2, "min_instances": 3, "target": 4.0},
                    }
                },
            ),
            "endpoint.more_variants.New.autoscaling.max_instances: 2 is out of range; allowed: 3 or more",
        ),
        (
            lambda c: c["endpoint"].update(volume_size_gb=100),
            "endpoint.volume_size_gb: 100 is not for ml.g5.xlarge, which",
        ),
        (
            lambda c: c["endpoint"].update(instance_count=3, autoscaling={"max_instances": 2, "target": 4.0}),
            "endpoint.instance_count: 3 is out of range",
        ),
        (
            lambda c: c["endpoint"].update(autoscaling={"max_instances": 2, "min_instances": 3, "target": 4.0}),
            "endpoint.autoscaling.max_instances: 2 is out of range; allowed: 3 or more",
        ),
        (
            lambda c: c["endpoint"].update(
                volume_key_arn="arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"
            ),
            "endpoint.volume_key_arn: ",
        ),
        (lambda c: c.update(proxy={"rest_api": {"access": "api_keys"}}), "proxy.rest_api.clients: {} are missing"),
        (lambda c: c.update(proxy={"rest_api": {"clients": REST["clients"]}}), "proxy.rest_api.clients: ['a'] have no"),
        (
            lambda c: c.update(proxy={"rest_api": REST, "callers": ["222233334444"]}),
            "proxy.callers: ['222233334444'] sign nothing",
        ),
        (
            lambda c: c.update(proxy={"rest_api": {"burst": 33}, "reserved_concurrency": 32}),
            "proxy.rest_api.burst: 33 is more than the proxy's reserved concurrency",
        ),
    ],
)
def test_a_refusal_of_the_constructs_names_the_key_of_the_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], object], start: str
) -> None:
    from aws_cdk import App

    from stacks.stage import declare

    _environments(tmp_path, monkeypatch, one=change)
    with pytest.raises(SettingsError) as caught:
        declare(App(builtin_cloud_formation_validation=False), "one")
    (problem,) = caught.value.problems
    assert problem.startswith(f"environments/one.yaml: {start}")


@pytest.mark.parametrize(
    ("change", "concurrency"),
    [
        ({}, 32),
        ({"endpoint": {"instance_count": 3}}, 96),
        ({"endpoint": {"autoscaling": {"max_instances": 4, "target": 1.0}}}, 128),
        ({"proxy": {"requests_per_instance": 8}}, 8),
        ({"proxy": {"reserved_concurrency": 7}}, 7),
        ({"proxy": {"reserved_concurrency": "account"}}, None),
        # In front of chat one request is up to five requests to the endpoint.
        ({"model": {"api": "chat"}}, 6),
        ({"model": {"api": "chat"}, "proxy": {"max_generations": 1}}, 32),
        ({"model": {"api": "chat"}, "proxy": {"requests_per_instance": 1}}, 1),
    ],
)
def test_the_concurrency_is_what_the_endpoint_serves(
    change: dict[str, dict[str, Any]], concurrency: int | None
) -> None:
    content = copy.deepcopy(GOOD)
    for section, values in change.items():
        content.setdefault(section, {}).update(values)
    assert settings.Settings.model_validate(content).reserved_concurrency == concurrency


def test_a_pool_with_a_package_of_its_own_answers_what_the_model_of_the_catalogue_answers() -> None:
    content = copy.deepcopy(GOOD)
    content["model"] = {"catalog": "medium-1.5"}
    content["endpoint"].pop("instance_type")
    unknown = "arn:aws:sagemaker:us-east-1:222233334444:model-package/not-in-the-catalogue"
    content["endpoint"]["instance_pools"] = [{**POOLS[0], "package_arn": unknown}, POOLS[1]]
    assert settings.Settings.model_validate(content).api == "generate"


def test_a_mapping_may_be_merged_into_another(tmp_path: Path) -> None:
    """`<<: *anchor`; a key that is given beside it counts."""
    text = yaml.safe_dump({**GOOD, "tags": {"a": "1"}}).replace("tags:\n  a: '1'", "tags: &tags\n  a: '1'")
    file = tmp_path / "x.yaml"
    file.write_text(text + "proxy: &proxy\n  memory_mib: 640\n  log_level: ERROR\n", "utf-8")
    assert settings.read_file(file).proxy.memory_mib == 640
    merged = text.replace("tags: &tags\n  a: '1'", "tags:\n  <<: &more {a: '1', b: '2'}\n  b: '3'")
    file.write_text(merged, "utf-8")
    assert settings.read_file(file).tags == {"a": "1", "b": "3"}


def test_a_model_of_the_catalogue_has_its_name_there() -> None:
    assert settings.read("prod").model_names == ("command-r-08-2024",)
    assert settings.read("dev").model_names == ()


def test_names_of_models_and_further_endpoints() -> None:
    several = settings.read_file(EXAMPLES / "several-models.yaml")
    assert several.model_names == ("command-r-08-2024", "gpt-4o")
    assert {name: (one.api, one.models) for name, one in several.proxy.endpoints.items()} == {
        "cohere-embed": ("embed", ("embed-v4.0", "text-embedding-3-small")),
        "cohere-rerank": ("rerank", ("rerank-v3.5",)),
    }


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ({"models": ["a b"]}, "proxy.models"),
        ({"endpoints": {"Cohere_E": {"api": "embed"}}}, "proxy.endpoints"),
        ({"endpoints": {"cohere-e": {}}}, "proxy.endpoints.cohere-e.api"),
        ({"endpoints": {"cohere-e": {"api": "other"}}}, "proxy.endpoints.cohere-e.api"),
    ],
)
def test_wrong_names_of_models_and_endpoints(tmp_path: Path, proxy: dict[str, Any], message: str) -> None:
    (problem,) = problems(tmp_path, lambda content: content.update(proxy=proxy))
    assert problem.startswith(f"environments/x.yaml: {message}")
