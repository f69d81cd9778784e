"""docs/changes.md under load: each row is deployed while callers keep generating, and nobody notices."""

import json
from typing import Any

import boto3
import pytest

from endpointctl.aws import Aws
from endpointctl.client import Client
from tests.templates.test_changes import DEV, ROLE, ROWS, _templates, _with

from .conftest import Deployed, callers

# A name is what an endpoint is known by: another name is another endpoint, and docs/changes.md says what is lost. So is
# a URL to callers, and an API key: `test_front_doors.py` has those.
NOTICED = ("endpoint.name", "proxy.rest_api, on", "proxy.rest_api, off", "proxy.rest_api, clients")
UNDER_LOAD = [row for row in ROWS if row[0] not in (*NOTICED, "proxy.rest_api, a client less")]
BOUNDARY = "arn:aws:iam::111122223333:policy/x"


class Stacks:
    """The two stacks of an environment, given to CloudFormation as templates: the CLI would take ten seconds a row."""

    def __init__(self, deployed: Deployed) -> None:
        self._cloudformation = deployed.cloudformation
        self._now: dict[str, Any] = {}

    def become(self, content: dict[str, Any]) -> dict[str, Any]:
        """Deploy an environment, the endpoint first, and return its templates."""
        wanted = _templates(content)
        for name in ("endpoint", "proxy"):
            if self._now.get(name) != wanted[name]:
                self._deploy(f"cohere-dev-{name}", wanted[name], new=name not in self._now)
        self._now = wanted
        return wanted

    def _deploy(self, stack: str, template: dict[str, Any], *, new: bool) -> None:
        request: Any = {
            "StackName": stack,
            "TemplateBody": json.dumps(template),
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        (self._cloudformation.create_stack if new else self._cloudformation.update_stack)(**request)
        kind: Any = "stack_create_complete" if new else "stack_update_complete"
        waiter: Any = self._cloudformation.get_waiter(kind)
        waiter.wait(StackName=stack, WaiterConfig={"Delay": 0.2, "MaxAttempts": 200})


@pytest.fixture(scope="module")
def stacks(deployed: Deployed) -> Stacks:
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    name = ROLE.rpartition("/")[2]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    document = json.dumps({"Version": "2012-10-17", "Statement": [anything]})
    iam.create_policy(PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=document)
    stacks = Stacks(deployed)
    stacks.become(DEV)
    return stacks


def wanted_config(template: dict[str, Any]) -> dict[str, Any]:
    """Return what a template's endpoint config says of its one variant, without references to other resources."""
    (config,) = [r for r in template["Resources"].values() if r["Type"] == "AWS::SageMaker::EndpointConfig"]
    variant = config["Properties"]["ProductionVariants"][0]
    return {key: value for key, value in variant.items() if not isinstance(value, (dict, list))}


@pytest.mark.parametrize("row", UNDER_LOAD, ids=lambda row: row[0])
def test_nobody_notices(deployed: Deployed, stacks: Stacks, row: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    what, before, after = row
    stacks.become(_with(DEV, before))
    old = deployed.sagemaker.describe_endpoint(EndpointName="cohere-dev")
    aws = Aws("us-east-1")
    with callers(Client(aws.proxy_url("dev"), aws.credentials(), "us-east-1")) as told:
        template = stacks.become(_with(_with(DEV, before), after))["endpoint"]
    new = deployed.sagemaker.describe_endpoint(EndpointName="cohere-dev")
    # An API that the container does not speak is answered by the container: asked for, and not an outage.
    if what == "model.api":
        assert set(told) <= {"answered"} | {one for one in told if "HTTP 400 [model_refused]" in one}
    else:
        assert set(told) == {"answered"}
    assert new["EndpointStatus"] == "InService"
    assert new["CreationTime"] == old["CreationTime"]
    live = deployed.sagemaker.describe_endpoint_config(EndpointConfigName=new["EndpointConfigName"])
    variant: Any = live["ProductionVariants"][0]
    wanted = wanted_config(template)
    assert {key: variant[key] for key in wanted} == wanted
