"""Every kind of environment deploys: each API family, pools, variants, autoscaling, capture, what others own."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from endpointctl.aws import Aws
from endpointctl.client import Client
from endpointctl.refused import Refused
from local_aws.runner.journey import CDK, run
from tests.templates.conftest import EXAMPLES, ROOT, copy_of_the_app

from .conftest import Deployed

SUMMARIZE = {
    "model": {"catalog": "summarize"},
    "endpoint": {"name": "cohere-summarize", "instance_type": "ml.p4d.24xlarge"},
}


def _environments() -> dict[str, dict[str, Any]]:
    files = [ROOT / "environments" / "prod.yaml", *EXAMPLES.glob("*.yaml")]
    found = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in files}
    found["summarize"] = json.loads(json.dumps(SUMMARIZE))
    for content in found.values():
        # One bootstrapped region is enough to see them work side by side.
        package = content["model"].get("package_arn")
        if package:
            content["model"]["package_arn"] = package.replace(content["region"], "us-east-1")
        content.update(region="us-east-1", account="111122223333", termination_protection=False)
    return found


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def everything(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """All of them, deployed at once; destroyed afterwards."""
    app = copy_of_the_app(tmp_path_factory.mktemp("environments") / "app", checked=False)
    for path in (app / "environments").glob("*.yaml"):
        path.unlink()
    for name, content in _environments().items():
        (app / "environments" / f"{name}.yaml").write_text(yaml.safe_dump(content), "utf-8")
    # What the platform team made before.
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    iam.create_role(Path="/platform/", RoleName="sagemaker-execution", AssumeRolePolicyDocument=_policy(trust))
    boundary = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.create_policy(PolicyName="platform-boundary", PolicyDocument=_policy(boundary))
    environment = {**deployed.cloud.environment(), "PYTHONDONTWRITEBYTECODE": "1"}
    assembly = str(app / "cdk.out")
    deploy = [str(CDK), "deploy", "**", "--require-approval", "never", "--concurrency", "4", "--output", assembly]
    run(deploy, environment, folder=app)
    yield deployed
    run([str(CDK), "destroy", "**", "--force", "--concurrency", "4", "--app", assembly], environment, folder=app)
    left = {one["EndpointName"] for one in deployed.sagemaker.list_endpoints()["Endpoints"]}
    assert left == {"cohere-local"}


def variants(deployed: Deployed, endpoint: str) -> list[Any]:
    found = deployed.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert found["EndpointStatus"] == "InService"
    config = deployed.sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
    return list(config["ProductionVariants"])


def parameter(name: str) -> str:
    return str(boto3.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])


@pytest.mark.parametrize(
    ("environment", "endpoint", "api"),
    [
        ("local", "cohere-local", "generate"),
        ("prod", "cohere-prod", "chat"),
        ("embed-v4", "cohere-embed", "embed"),
        ("rerank-v3-5", "cohere-rerank", "rerank"),
        ("summarize", "cohere-summarize", "summarize"),
    ],
)
def test_each_api_familys_package_is_in_service(
    everything: Deployed, environment: str, endpoint: str, api: str
) -> None:
    assert variants(everything, endpoint)
    # The contract with other teams.
    assert parameter(f"/cohere/{environment}/api") == api
    assert parameter(f"/cohere/{environment}/endpoint-name") == endpoint
    assert parameter(f"/cohere/{environment}/endpoint-arn").endswith(f":endpoint/{endpoint}")


def test_a_pool_of_two_gpu_types_each_with_its_package(everything: Deployed) -> None:
    (variant,) = variants(everything, "cohere-prod")
    assert "InstanceType" not in variant
    pools = variant["InstancePools"]
    assert [pool["InstanceType"] for pool in pools] == ["ml.p5.48xlarge", "ml.p4de.24xlarge"]
    models = [variant["ModelName"], pools[1]["ModelNameOverride"]]
    packages = [
        everything.sagemaker.describe_model(ModelName=name)["PrimaryContainer"]["ModelPackageName"] for name in models
    ]
    assert ["h100" in packages[0], "a100" in packages[1]] == [True, True]


def test_generate_in_front_of_a_chat_package(everything: Deployed) -> None:
    aws = Aws("us-east-1")
    proxy = Client(parameter("/cohere/prod/generate-url"), aws.credentials(), "us-east-1")
    wanted: Any = {"prompt": "A post about work:", "max_tokens": 30, "temperature": 1, "seed": 1}
    first = proxy.generate(**wanted, num_generations=2)
    assert len(set(first.texts)) == 2
    assert {generation["finish_reason"] for generation in first.body["generations"]} == {"MAX_TOKENS"}
    assert proxy.generate(**wanted, num_generations=2).texts == first.texts
    with pytest.raises(Refused, match=r"\[invalid_field\]: return_likelihoods: must be NONE or left out"):
        proxy.generate(**wanted, return_likelihoods="GENERATION")


def invoked(deployed: Deployed, endpoint: str, **body: Any) -> Any:
    answer = deployed.runtime.invoke_endpoint(
        EndpointName=endpoint, ContentType="application/json", Body=json.dumps(body)
    )
    return json.loads(answer["Body"].read())


def test_embed_and_rerank_answer_in_their_own_shapes(everything: Deployed) -> None:
    found = invoked(everything, "cohere-embed", texts=["a", "b"], input_type="search_query", output_dimension=256)
    assert [len(one) for one in found["embeddings"]] == [256, 256]
    ranked = invoked(
        everything, "cohere-rerank", query="red apples", documents=["blue sea", "red apples"], api_version=2
    )
    assert [one["index"] for one in ranked["results"]] == [1, 0]


def test_what_the_stand_in_does_not_speak_says_so(everything: Deployed) -> None:
    with pytest.raises(ClientError, match="the stand-in for the container does not speak summarize"):
        invoked(everything, "cohere-summarize", text="a")


def test_data_capture_points_to_a_bucket_that_is_there(everything: Deployed) -> None:
    name = everything.sagemaker.describe_endpoint(EndpointName="cohere-prod")["EndpointConfigName"]
    capture = everything.sagemaker.describe_endpoint_config(EndpointConfigName=name)["DataCaptureConfig"]
    bucket, _, prefix = capture["DestinationS3Uri"].removeprefix("s3://").partition("/")
    assert prefix == "cohere-prod"
    # MiniStack makes the bucket without its lifecycle rules: those are held by the snapshots.
    boto3.client("s3").head_bucket(Bucket=bucket)


def test_two_packages_side_by_side_through_the_proxy(everything: Deployed) -> None:
    assert [variant["VariantName"] for variant in variants(everything, "cohere-compare")] == ["AllTraffic", "Newer"]
    aws = Aws("us-east-1")
    proxy = Client(parameter("/cohere/two-packages/generate-url"), aws.credentials(), "us-east-1")
    assert proxy.generate(prompt="a", max_tokens=2, variant="Newer").texts
    with pytest.raises(Refused, match=r"HTTP 400 \[unknown_variant\]"):
        proxy.generate(prompt="a", variant="Other")


def test_what_others_own_is_used(everything: Deployed) -> None:
    (variant,) = variants(everything, "cohere-rerank")
    model = everything.sagemaker.describe_model(ModelName=variant["ModelName"])
    assert model["ExecutionRoleArn"] == "arn:aws:iam::111122223333:role/platform/sagemaker-execution"
    assert model["VpcConfig"]["Subnets"] == ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"InstanceType": "ml.g5.xlarge"}, "Exactly one of InstanceType and InstancePools"),
        ({"InstancePools": [{"InstanceType": "ml.g5.xlarge", "Priority": 1}] * 2}, "priorities of InstancePools must"),
        ({"InstancePools": [{"InstanceType": "ml.g5.xlarge", "Priority": 6}]}, "6"),
    ],
)
def test_pools_that_sagemaker_refuses(everything: Deployed, change: dict[str, Any], said: str) -> None:
    (variant,) = variants(everything, "cohere-prod")
    changed: Any = {**variant, **change}
    with pytest.raises(ClientError, match=said):
        everything.sagemaker.create_endpoint_config(EndpointConfigName="refused", ProductionVariants=[changed])
