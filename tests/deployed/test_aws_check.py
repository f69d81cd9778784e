"""`make aws-check`, run against the local cloud: every probe has an answer, and nothing it made is left."""

import re
from datetime import UTC, datetime, timedelta

import boto3
import pytest
import yaml

from endpointctl import aws_check
from endpointctl.aws_check import update
from endpointctl.failure import Failure
from stacks.settings import ENVIRONMENTS, Settings
from tests.support.cloud import Deployed

LOCAL = Settings.model_validate(yaml.safe_load((ENVIRONMENTS / "local.yaml").read_text("utf-8")))
KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"
# What the local cloud answers to each; the rows of docs/fidelity.md that a real account can correct.
ANSWERS = {
    "legacy-package": "accepted",
    "no-isolation": "EnableNetworkIsolation must be true",
    "environment": "Environment variable map cannot be specified",
    "model-data": "ModelDataUrl cannot be specified",
    "other-region": "of region eu-west-1 in region us-east-1",
    "missing-role": "Could not assume role",
    "vpc": "accepted",
    "supported-types": "ml.g5.xlarge",
    "wrong-gpu": "is not supported by model package",
    "kms-with-nvme": "KmsKeyId cannot be specified",
    "pools": "accepted",
    "managed-scaling": "only supported for inference component",
    "serverless": "Serverless inference is not supported",
    "asynchronous": "Marketplace images are not supported",
    "shadow": "Shadow variants are not supported",
    "capture": "accepted",
    "ami": "accepted",
    "quota": "L-1928E07B: 20",
    "invoke-missing": "not found",
    "invoke-case": "not found",
    "invoke-variant": "Variant Missing not found",
    "container-shape": '"generations"',
    "container-unknown-field": '"generations"',
    "container-temperature": "temperature must be between 0 and 5",
    "container-context": "max_tokens must be between 0 and 2048",
    "container-empty": "prompt must be at least 1 token long",
    "stream": "accepted",
}


def invocations() -> float:
    """Return how many requests have reached the model, as SageMaker's metric counts them."""
    now = datetime.now(UTC)
    points = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[
            {"Name": "EndpointName", "Value": LOCAL.endpoint.name},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        StartTime=now - timedelta(hours=3),
        EndTime=now + timedelta(minutes=5),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def test_every_probe_has_an_answer_and_nothing_is_left(deployed: Deployed) -> None:
    sagemaker = deployed.sagemaker
    before = len(sagemaker.list_models()["Models"]), len(sagemaker.list_endpoint_configs()["EndpointConfigs"])
    reached = invocations()
    answers = dict(aws_check.ask(aws_check.Account.of(LOCAL, KEY)))
    assert set(answers) == set(ANSWERS) == set(aws_check.PROBES)
    assert {name: part for name, part in ANSWERS.items() if part not in answers[name]} == {}
    after = len(sagemaker.list_models()["Models"]), len(sagemaker.list_endpoint_configs()["EndpointConfigs"])
    assert before == after
    assert invocations() - reached == aws_check.INVOCATIONS


def test_the_probe_of_an_update_is_asked_by_name(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "_POLL_SECONDS", 0.1)
    account = aws_check.Account.of(LOCAL)
    before = deployed.sagemaker.describe_endpoint(EndpointName=account.endpoint)
    answers = dict(aws_check.ask(account, ["retained-update"]))
    assert re.fullmatch(r"InService after \d+ s, with no PendingDeploymentSummary", answers["retained-update"])
    after = deployed.sagemaker.describe_endpoint(EndpointName=account.endpoint)
    assert after["EndpointConfigName"] == before["EndpointConfigName"]
    assert after["LastModifiedTime"] > before["LastModifiedTime"], "it was updated"


def test_an_unknown_probe_is_named(deployed: Deployed) -> None:
    with pytest.raises(Failure, match="probe 'nonsense' is unknown; allowed: legacy-package, "):
        list(aws_check.ask(aws_check.Account.of(LOCAL), ["nonsense"]))


def test_without_a_key_that_probe_is_not_asked(deployed: Deployed) -> None:
    assert dict(aws_check.ask(aws_check.Account.of(LOCAL), ["kms-with-nvme"])) == {
        "kms-with-nvme": "not asked: give --kms-key"
    }


def test_an_environment_that_is_not_deployed_is_named(deployed: Deployed) -> None:
    other = LOCAL.model_copy(update={"endpoint": LOCAL.endpoint.model_copy(update={"name": "cohere-other"})})
    with pytest.raises(Failure, match=r"endpoint cohere-other: .*: deploy the environment first"):
        aws_check.Account.of(other)
