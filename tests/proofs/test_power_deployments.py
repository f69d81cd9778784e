"""The CDK's CLI and a sleeping endpoint: deployments keep it as it is, and destroy leaves nothing."""

from collections.abc import Callable
from pathlib import Path

import boto3
import yaml

from local_aws.conditions import Conditions
from stacks.settings import ENVIRONMENTS
from tests.support.cloud import Deployed
from tests.support.power import Switched
from tests.support.templates import changed, content_of

SYNTHESIZED = ("--app", "cdk.out")
"""What the last deployment wrote."""

OPTIONS = ("-c", "environment=local", "--require-approval", "never", "--exclusively")


def test_asleep_it_is_deployed_compared_and_destroyed_as_awake(
    deployed: Deployed, account: Callable[[Conditions], None], tmp_path: Path
) -> None:
    content = changed(content_of(ENVIRONMENTS / "local.yaml"), {"endpoint.sleep": {}})
    app, file = tmp_path / "app", "environments/local.yaml"
    switched = Switched("local", account)
    before = boto3.client("sagemaker").describe_endpoint(EndpointName="cohere-local")["CreationTime"]
    deployed.cdk("deploy", "local/endpoint", *OPTIONS, files={file: yaml.safe_dump(content)}, folder=app)
    # The setting comes without a change of the endpoint.
    assert boto3.client("sagemaker").describe_endpoint(EndpointName="cohere-local")["CreationTime"] == before
    switched.call("sleep", by="person")
    switched.wait(lambda one: one.is_asleep)

    other = changed(content, {"endpoint.log_retention_days": 90, "endpoint.instance_count": 2})
    deployed.cdk("deploy", "local/endpoint", *OPTIONS, files={file: yaml.safe_dump(other)}, folder=app)
    assert switched.is_asleep
    assert "no differences" in deployed.cdk("diff", "local/endpoint", *SYNTHESIZED, "--exclusively", folder=app)
    drift = deployed.cdk("drift", "local/endpoint", *SYNTHESIZED, "--fail", folder=app)
    assert "No drift detected" in drift
    switched.call("wake", by="person", minutes=60)
    switched.wait(lambda one: one.is_awake)
    (variant,) = boto3.client("sagemaker").describe_endpoint(EndpointName="cohere-local")["ProductionVariants"]
    assert variant["DesiredInstanceCount"] == 2

    switched.call("sleep", by="person")
    switched.wait(lambda one: one.is_asleep)
    assert switched.lease
    deployed.cdk("destroy", "local/*", *SYNTHESIZED, "--force", folder=app)
    assert switched.stacks.status("endpoint") == ""
    assert switched.endpoint is None
    # With the group go the schedules, the lease that the function made among them.
    assert boto3.client("scheduler").list_schedules()["Schedules"] == []
    assert [one["Name"] for one in boto3.client("scheduler").list_schedule_groups()["ScheduleGroups"]] == ["default"]
