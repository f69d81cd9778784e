"""Two environments in two regions do not touch each other, and what is destroyed leaves nothing behind."""

from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from endpointctl.aws import Aws
from endpointctl.client import Client
from local_aws.runner.journey import CDK, run
from tests.support.cloud import Deployed
from tests.support.templates import copy_of_the_app

WEST = "eu-west-1"
PACKAGE = (
    "arn:aws:sagemaker:eu-west-1:985815980388:model-package/cohere-gpt-medium-v1-5-15e34931a06235b7bac32dca396a970a"
)


def held(region: str) -> set[str]:
    """Return all that an environment can have made, by kind and name; the CDK's own bootstrap is left out."""
    asked: list[tuple[str, str, str, str, dict[str, Any]]] = [
        ("sagemaker", "list_endpoints", "Endpoints", "EndpointName", {}),
        ("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName", {}),
        ("sagemaker", "list_models", "Models", "ModelName", {}),
        ("lambda", "list_functions", "Functions", "FunctionName", {}),
        ("logs", "describe_log_groups", "logGroups", "logGroupName", {}),
        ("ssm", "describe_parameters", "Parameters", "Name", {}),
        ("iam", "list_roles", "Roles", "RoleName", {}),
        ("kms", "list_keys", "Keys", "KeyId", {}),
        ("s3", "list_buckets", "Buckets", "Name", {}),
        (
            "application-autoscaling",
            "describe_scalable_targets",
            "ScalableTargets",
            "ResourceId",
            {"ServiceNamespace": "sagemaker"},
        ),
    ]
    found = set()
    for service, operation, key, name, arguments in asked:
        client: Any = boto3.client(service, region_name=region)  # type: ignore[call-overload]
        answer = getattr(client, operation)(**arguments)
        found |= {f"{service}: {one[name]}" for one in answer[key]}
    stacks = boto3.client("cloudformation", region_name=region).describe_stacks()["Stacks"]
    found |= {f"stack: {stack['StackName']}" for stack in stacks}
    return {one for one in found if "cdk-" not in one and "CDKToolkit" not in one and "cdk-bootstrap" not in one}


@pytest.fixture(scope="module")
def two(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second environment with the same endpoint's name, in another region."""
    app = copy_of_the_app(tmp_path_factory.mktemp("two") / "app")
    content = yaml.safe_load((app / "environments" / "local.yaml").read_text("utf-8"))
    content.update(region=WEST, model={"package_arn": PACKAGE})
    (app / "environments" / "west.yaml").write_text(yaml.safe_dump(content), "utf-8")
    for name in ("dev", "prod"):
        (app / "environments" / f"{name}.yaml").unlink()
    environment = {**deployed.cloud.environment(), "PYTHONDONTWRITEBYTECODE": "1", "CDK_VALIDATION": "false"}
    run([str(CDK), "bootstrap", f"aws://111122223333/{WEST}", "-c", "environment=west"], environment, folder=app)
    command = [str(CDK), "deploy", "west/*", "-c", "environment=west", "--require-approval", "never", "--output", "out"]
    run(command, environment, folder=app)
    return app


def destroy(deployed: Deployed, app: Path, name: str) -> None:
    environment = {**deployed.cloud.environment(), "PYTHONDONTWRITEBYTECODE": "1", "CDK_VALIDATION": "false"}
    run([str(CDK), "destroy", f"{name}/*", "-c", f"environment={name}", "--force"], environment, folder=app)


def texts(name: str, region: str) -> list[str]:
    aws = Aws(region)
    return Client(aws.proxy_url(name), aws.credentials(), region).generate(prompt="hello", max_tokens=2).texts


def test_two_regions_do_not_touch_each_other_and_nothing_is_left(deployed: Deployed, two: Path) -> None:
    assert texts("local", "us-east-1")
    assert texts("west", WEST)
    here, there = (boto3.client("sagemaker", region_name=region) for region in ("us-east-1", WEST))
    arns = {client.describe_endpoint(EndpointName="cohere-local")["EndpointArn"] for client in (here, there)}
    assert arns == {f"arn:aws:sagemaker:{r}:111122223333:endpoint/cohere-local" for r in ("us-east-1", WEST)}
    # What one has, the other has not, but for the names that are the same on purpose.
    shared = held("us-east-1") & held(WEST)
    assert {one for one in shared if not one.startswith(("iam: ", "s3: "))} == {
        "sagemaker: cohere-local",
        "logs: /aws/sagemaker/Endpoints/cohere-local",
    }
    before = here.describe_endpoint(EndpointName="cohere-local")
    destroy(deployed, two, "west")
    # Roles belong to no region: those of the first are still to be seen.
    assert {one for one in held(WEST) if not one.startswith("iam: cohere-local-")} == set()
    assert here.describe_endpoint(EndpointName="cohere-local")["LastModifiedTime"] == before["LastModifiedTime"]
    assert texts("local", "us-east-1")
    # And then the first, as it was deployed.
    deployed.journey.destroy()
    assert held("us-east-1") == set()
    with pytest.raises(ClientError, match="not found"):
        deployed.runtime.invoke_endpoint(EndpointName="cohere-local", Body=b"{}")
