"""CloudFormation takes no template that AWS would not take, and says in one line what is wrong with it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.cloud import Deployed


def refused(deployed: Deployed, resource: dict[str, Any]) -> str:
    with pytest.raises(ClientError) as caught:
        deployed.cloudformation.create_stack(StackName="wrong", TemplateBody=json.dumps({"Resources": {"R": resource}}))
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    # Nothing was begun.
    with pytest.raises(ClientError, match="does not exist"):
        deployed.cloudformation.describe_stacks(StackName="wrong")
    return str(caught.value)


@pytest.mark.parametrize(
    ("type_", "properties", "message"),
    [
        ("AWS::SQS::Queue", {"VisibilityTimout": 3}, "Resources/R/Properties/VisibilityTimout: Additional properties"),
        ("AWS::SQS::Queue", {"VisibilityTimeout": "soon"}, "'soon' is not of type 'integer'"),
        (
            "AWS::Lambda::Function",
            {"Code": {"ZipFile": "x"}, "Role": "arn:aws:iam::111122223333:role/x", "Handler": "a.b", "Timeout": 901},
            "901 is greater than the maximum of 900",
        ),
        ("AWS::SageMaker::Endpoint", {"EndpointName": "e"}, "'EndpointConfigName' is a required property"),
        ("AWS::SageMaker::Endpoints", {}, "AWS::SageMaker::Endpoints"),
        (
            "AWS::Kendra::Index",
            {"Name": "x", "Edition": "DEVELOPER_EDITION", "RoleArn": "r"},
            "[AWS::Kendra::Index] (or AWS has them and the local cloud does not: see docs/local-cloud.md)",
        ),
    ],
)
def test_a_template_that_is_wrong(deployed: Deployed, type_: str, properties: dict[str, Any], message: str) -> None:
    assert message in refused(deployed, {"Type": type_, "Properties": properties})


def test_a_template_that_is_right_is_taken(deployed: Deployed) -> None:
    template = {"Resources": {"R": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 3}}}}
    deployed.cloudformation.create_stack(StackName="right", TemplateBody=json.dumps(template))
    wait: Any = {"Delay": 1, "MaxAttempts": 9}
    deployed.cloudformation.get_waiter("stack_create_complete").wait(StackName="right", WaiterConfig=wait)
    deployed.cloudformation.delete_stack(StackName="right")
