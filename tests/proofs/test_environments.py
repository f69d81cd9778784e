"""Every kind of environment deploys: each API family, pools, variants, capture, what others own."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from endpointctl.refused import Refused
from tests.support.cloud import Deployed, Stacks, make_what_others_own
from tests.support.templates import EXAMPLES, ROOT, Content, content_of, templates_of

SUMMARIZE: Content = {
    "model": {"catalog": "summarize"},
    "endpoint": {"name": "cohere-summarize", "instance_type": "ml.p4d.24xlarge"},
}


def _environments() -> dict[str, Content]:
    files = [ROOT / "environments" / "prod.yaml", *sorted(EXAMPLES.glob("*.yaml"))]
    found = {path.stem: content_of(path) for path in files}
    # API Gateway's role for access logs is the account's: the example that sets it comes first.
    found = {"rest-api": found.pop("rest-api"), **found, "summarize": json.loads(json.dumps(SUMMARIZE))}
    # Nobody owns the example's zone here.
    found["rest-api-bearer"]["proxy"]["rest_api"]["domain"].pop("hosted_zone")
    for content in found.values():
        # One bootstrapped region is enough to see them work side by side.
        package = content["model"].get("package_arn")
        if package:
            content["model"]["package_arn"] = package.replace(content["region"], "us-east-1")
        content.update(region="us-east-1", account="111122223333", termination_protection=False)
    return found


@pytest.fixture(scope="module")
def everything(deployed: Deployed) -> Iterator[Deployed]:
    """All of them, side by side; destroyed afterwards."""
    make_what_others_own("sagemaker-execution", "/platform/", "platform-boundary")
    environments = [(Stacks(name), content) for name, content in _environments().items()]
    deployments = [(stacks, templates_of(content, stacks.environment)) for stacks, content in environments]
    first, *others = deployments
    first[0].give(first[1])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one[0].give(one[1]), others))
    yield deployed
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one[0].destroy(), environments))
    left = {one["EndpointName"] for one in deployed.sagemaker.list_endpoints()["Endpoints"]}
    assert left == {"cohere-local"}


def variants(deployed: Deployed, endpoint: str) -> list[Any]:
    found = deployed.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert found["EndpointStatus"] == "InService"
    config = deployed.sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
    return list(config["ProductionVariants"])


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
    stacks = Stacks(environment)
    assert stacks.parameter("api") == api
    assert stacks.parameter("endpoint-name") == endpoint
    assert stacks.parameter("endpoint-arn").endswith(f":endpoint/{endpoint}")


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
    proxy = Stacks("prod").client()
    fields: Any = {"prompt": "A post about work:", "max_tokens": 30, "temperature": 1, "seed": 1}
    first = proxy.generate(**fields, num_generations=2)
    assert len(set(first.texts)) == 2
    assert {generation["finish_reason"] for generation in first.body["generations"]} == {"MAX_TOKENS"}
    assert proxy.generate(**fields, num_generations=2).texts == first.texts
    with pytest.raises(Refused, match=r"\[invalid_field\]: return_likelihoods: must be NONE or left out"):
        proxy.generate(**fields, return_likelihoods="GENERATION")


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


def test_an_api_that_the_stand_in_does_not_implement(everything: Deployed) -> None:
    with pytest.raises(ClientError, match="the stand-in for the container does not implement summarize"):
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
    proxy = Stacks("two-packages").client()
    assert proxy.generate(prompt="a", max_tokens=2, variant="Newer").texts
    with pytest.raises(Refused, match=r"HTTP 400 \[unknown_variant\]"):
        proxy.generate(prompt="a", variant="Other")


def test_generate_through_a_proxy_that_streams(everything: Deployed) -> None:
    assert Stacks("streaming").client().generate(prompt="a", max_tokens=2).texts


def test_what_others_own_is_used(everything: Deployed) -> None:
    (variant,) = variants(everything, "cohere-rerank")
    model = everything.sagemaker.describe_model(ModelName=variant["ModelName"])
    assert model["ExecutionRoleArn"] == "arn:aws:iam::111122223333:role/platform/sagemaker-execution"
    assert model["VpcConfig"]["Subnets"] == ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"InstanceType": "ml.g5.xlarge"}, "Exactly one of InstanceType and InstancePools"),
        ({"InstancePools": [{"InstanceType": "ml.g5.xlarge", "Priority": 1}] * 2}, "priorities of InstancePools must"),
        ({"InstancePools": [{"InstanceType": "ml.g5.xlarge", "Priority": 6}]}, "6"),
    ],
)
def test_pools_that_sagemaker_refuses(everything: Deployed, change: dict[str, Any], message: str) -> None:
    (variant,) = variants(everything, "cohere-prod")
    changed: Any = {**variant, **change}
    with pytest.raises(ClientError, match=message):
        everything.sagemaker.create_endpoint_config(EndpointConfigName="refused", ProductionVariants=[changed])
