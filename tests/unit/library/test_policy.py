"""The published rules, over templates that others wrote: each refuses its one fault, and all take a right template."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnResource, Environment, Stack, Validations
from aws_cdk import aws_kms as kms

from sagemaker_llm import (
    Autoscaling,
    GpuEndpoint,
    InstancePool,
    MarketplaceModel,
    ModelPackage,
    ScheduledCapacity,
    Variant,
    policy,
)

PACKAGE = "arn:aws:sagemaker:us-east-1:865070037744:model-package/x"
RIGHT: dict[str, dict[str, Any]] = {
    "AWS::SageMaker::Model": {
        "EnableNetworkIsolation": True,
        "ExecutionRoleArn": "arn:aws:iam::111122223333:role/x",
        "PrimaryContainer": {"ModelPackageName": PACKAGE},
    },
    "AWS::SageMaker::EndpointConfig": {
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "ModelName": "m",
                "InstanceType": "ml.g5.xlarge",
                "InitialInstanceCount": 1,
                "InitialVariantWeight": 1,
                "ModelDataDownloadTimeoutInSeconds": 3600,
            }
        ]
    },
    "AWS::SageMaker::Endpoint": {"EndpointName": "lower-case", "EndpointConfigName": "c"},
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        "MinCapacity": 1,
        "MaxCapacity": 2,
        "ResourceId": "endpoint/lower-case/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ServiceNamespace": "sagemaker",
    },
}
MODEL, CONFIG, ENDPOINT, TARGET = RIGHT
KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"


ROLLING = {
    "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 60}
}


def variant(**change: Any) -> Callable[[dict[str, Any]], None]:
    return lambda t: t[CONFIG]["ProductionVariants"][0].update(change)


def of(kind: str, **change: Any) -> Callable[[dict[str, Any]], None]:
    return lambda t: t[kind].update(change)


def pools(*types: str) -> Callable[[dict[str, Any]], None]:
    def change(template: dict[str, Any]) -> None:
        found = template[CONFIG]["ProductionVariants"][0]
        del found["InstanceType"]
        found["InstancePools"] = [{"InstanceType": one, "Priority": n} for n, one in enumerate(types, start=1)]

    return change


WRONG: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("MARKETPLACE_NETWORK_ISOLATION", of(MODEL, EnableNetworkIsolation=False)),
    ("MARKETPLACE_NETWORK_ISOLATION", lambda t: t[MODEL].pop("EnableNetworkIsolation")),
    ("MARKETPLACE_NO_ENVIRONMENT", lambda t: t[MODEL]["PrimaryContainer"].update(Environment={"A": "b"})),
    ("MARKETPLACE_NO_MODEL_DATA", lambda t: t[MODEL]["PrimaryContainer"].update(ModelDataUrl="s3://a/b.tar.gz")),
    ("MARKETPLACE_NO_MODEL_NAME", of(MODEL, ModelName="fixed")),
    ("MARKETPLACE_NO_CONFIG_NAME", of(CONFIG, EndpointConfigName="fixed")),
    (
        "MARKETPLACE_NO_ASYNC",
        of(CONFIG, AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://a/b"}}),
    ),
    (
        "MARKETPLACE_NO_SHADOW",
        of(CONFIG, ShadowProductionVariants=[{"VariantName": "S", "ModelName": "m", "InitialVariantWeight": 1}]),
    ),
    ("MARKETPLACE_NO_SERVERLESS", variant(ServerlessConfig={"MaxConcurrency": 1, "MemorySizeInMB": 1024})),
    ("MARKETPLACE_NO_MANAGED_SCALING", variant(ManagedInstanceScaling={"Status": "ENABLED"})),
    ("MARKETPLACE_INSTANCE_COUNT", variant(InitialInstanceCount=0)),
    ("MARKETPLACE_TIMEOUTS", variant(ModelDataDownloadTimeoutInSeconds=3601)),
    ("MARKETPLACE_TIMEOUTS", variant(ContainerStartupHealthCheckTimeoutInSeconds=59)),
    ("MARKETPLACE_TIMEOUTS", variant(VariantInstanceProvisionTimeoutInSeconds=299)),
    ("MARKETPLACE_NO_KMS_WITH_NVME", of(CONFIG, KmsKeyId=KEY)),
    (
        "MARKETPLACE_NO_KMS_WITH_NVME",
        lambda t: (of(CONFIG, KmsKeyId=KEY)(t), pools("ml.p3.2xlarge", "ml.g5.xlarge")(t)),
    ),
    ("MARKETPLACE_LOWER_CASE_ENDPOINT", of(ENDPOINT, EndpointName="Upper")),
    (
        "MARKETPLACE_NO_DEPLOYMENT_POLICY",
        of(
            ENDPOINT,
            DeploymentConfig=ROLLING,
        ),
    ),
    ("MARKETPLACE_MIN_CAPACITY", of(TARGET, MinCapacity=0)),
]


def findings(folder: Path, templates: list[dict[str, Any]]) -> list[set[str]]:
    """Return the names of our rules that each template breaks. One app: starting the engine takes a second."""
    app = App(outdir=str(folder), context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    Validations.of(app).add_plugins(policy.plugin())
    for number, template in enumerate(templates):
        stack = Stack(app, f"S{number}")
        for name, (kind, properties) in enumerate(template.items()):
            CfnResource(stack, f"R{name}", type=kind, properties=properties)
    failed = False
    try:
        app.synth()
    except RuntimeError:
        failed = True
    report = json.loads((folder / "validation-report.json").read_text("utf-8"))["pluginReports"]
    broken = [set[str]() for _ in templates]
    for found in [found for plugin in report for found in plugin["violations"]]:
        if found["ruleName"].startswith("MARKETPLACE_"):
            assert found["severity"] == "error"
            for construct in found["violatingConstructs"]:
                broken[int(construct["constructPath"].split("/")[0][1:])].add(found["ruleName"])
    assert failed == any(broken)
    return broken


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[set[str]]:
    templates = []
    for _rule, change in WRONG:
        template: dict[str, Any] = json.loads(json.dumps(RIGHT))
        change(template)
        templates.append(template)
    return findings(tmp_path_factory.mktemp("wrong"), templates)


@pytest.mark.parametrize("number", range(len(WRONG)), ids=lambda number: f"{number}-{WRONG[number][0]}")
def test_each_fault_breaks_its_rule_and_no_other(number: int, found: list[set[str]]) -> None:
    assert found[number] == {WRONG[number][0]}


def test_right_templates_break_none(tmp_path: Path) -> None:
    with_key: dict[str, Any] = json.loads(json.dumps(RIGHT))
    with_key[CONFIG]["KmsKeyId"] = KEY
    with_key[CONFIG]["ProductionVariants"][0]["InstanceType"] = "ml.p3.2xlarge"
    with_pools: dict[str, Any] = json.loads(json.dumps(with_key))
    pools("ml.p3.2xlarge", "ml.p3.8xlarge")(with_pools)
    other = {
        "AWS::ApplicationAutoScaling::ScalableTarget": {**RIGHT[TARGET], "ServiceNamespace": "ecs", "MinCapacity": 0}
    }
    assert findings(tmp_path, [RIGHT, with_key, with_pools, other]) == [set()] * 4


def test_models_of_other_sources_are_not_judged(tmp_path: Path) -> None:
    """Whatever a Marketplace package cannot have is allowed in a template without one."""
    everything: dict[str, Any] = {
        MODEL: {"ModelName": "fixed", "PrimaryContainer": {"Image": "x", "Environment": {"A": "b"}}},
        CONFIG: {
            "EndpointConfigName": "fixed",
            "KmsKeyId": KEY,
            "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://a/b"}},
            "ProductionVariants": [
                {**RIGHT[CONFIG]["ProductionVariants"][0], "ManagedInstanceScaling": {"Status": "ENABLED"}}
            ],
        },
        ENDPOINT: {"EndpointName": "Upper", "EndpointConfigName": "c", "DeploymentConfig": ROLLING},
        TARGET: {**RIGHT[TARGET], "MinCapacity": 0},
    }
    assert findings(tmp_path, [everything]) == [set()]


def test_what_the_constructs_can_make_breaks_none(tmp_path: Path) -> None:
    """Every option that has an effect on the template, the documented escape included."""
    app = App(outdir=str(tmp_path), context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    Validations.of(app).add_plugins(policy.plugin())
    stack = Stack(app, "S", env=Environment(account="111122223333", region="us-east-1"))
    key = kms.Key.from_key_arn(stack, "Key", KEY)
    served = MarketplaceModel(
        stack, "Model", package=ModelPackage.from_catalog("medium-1.5", "ml.g5.xlarge", "us-east-1")
    )
    scaled = Autoscaling(max_instances=2, target=1, schedules=[ScheduledCapacity("night", "cron(0 20 * * ? *)", 1, 1)])
    for name, variant in {
        "plain": Variant(model=served, instance_type="ml.g5.xlarge", autoscaling=scaled),
        "pools": Variant(model=served, pools=[InstancePool("ml.g5.xlarge"), InstancePool("ml.g5.2xlarge")]),
    }.items():
        GpuEndpoint(stack, name, endpoint_name=name, variants=[variant], volume_key=key, volume_key_with_nvme=True)
    app.synth()
    report = json.loads((tmp_path / "validation-report.json").read_text("utf-8"))["pluginReports"]
    assert not [found for plugin in report for found in plugin["violations"]]


def test_every_rule_is_tried_here_and_says_where_it_comes_from() -> None:
    rules = re.findall(r"^rule (\w+)", policy.rules(), re.MULTILINE)
    assert set(rules) == {rule for rule, _change in WRONG}
    messages = re.findall(r"<<(.*?)>>", policy.rules(), re.DOTALL)
    assert len(messages) >= len(rules)
    assert all("Source: " in message for message in messages)


def test_the_types_with_nvme_are_the_instance_datas() -> None:
    from sagemaker_llm.models.instance_type import instance_types

    written = re.findall(r"\^ml\\\.\(([^)]+)\)", policy.rules())[0].split("|")
    known = {one.family for one in instance_types().values() if one.local_nvme}
    assert known <= set(written)
    assert set(written) - known == {"p3dn"}  # for training only, but templates are written by hand
