"""The local cloud's SageMaker: what works through the SDK and through CloudFormation, and what it refuses."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.cloud import Deployed

PACKAGE = (
    "arn:aws:sagemaker:us-east-1:865070037744:model-package/cohere-gpt-medium-v1-5-15e34931a06235b7bac32dca396a970a"
)
VARIANT: Any = {
    "VariantName": "AllTraffic",
    "ModelName": "sdk",
    "InstanceType": "ml.g5.xlarge",
    "InitialInstanceCount": 1,
}


@pytest.fixture
def model(deployed: Deployed) -> Iterator[str]:
    """A model made through the SDK."""
    role = boto3.client("iam").list_roles()["Roles"]
    arn = next(r["Arn"] for r in role if "ExecutionRole" in r["RoleName"])
    deployed.sagemaker.create_model(
        ModelName="sdk",
        ExecutionRoleArn=arn,
        EnableNetworkIsolation=True,
        PrimaryContainer={"ModelPackageName": PACKAGE},
    )
    yield "sdk"
    deployed.sagemaker.delete_model(ModelName="sdk")


def refused(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    return str(caught.value.response["Error"]["Message"])


def test_what_cloudformation_made_is_described(deployed: Deployed) -> None:
    endpoint = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")
    assert endpoint["EndpointStatus"] == "InService"
    config = deployed.sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    (variant,) = config["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.g5.xlarge", 1)
    model = deployed.sagemaker.describe_model(ModelName=variant["ModelName"])
    assert model["PrimaryContainer"]["ModelPackageName"] == PACKAGE
    assert model["EnableNetworkIsolation"] is True
    tags = deployed.sagemaker.list_tags(ResourceArn=endpoint["EndpointArn"])["Tags"]
    assert {"Key": "environment", "Value": "local"} in tags


def test_the_life_of_an_endpoint_through_the_sdk(deployed: Deployed, model: str) -> None:
    sagemaker = deployed.sagemaker
    for count in (1, 2):
        sagemaker.create_endpoint_config(
            EndpointConfigName=f"sdk-{count}", ProductionVariants=[VARIANT | {"InitialInstanceCount": count}]
        )
    sagemaker.create_endpoint(EndpointName="sdk", EndpointConfigName="sdk-1")
    assert sagemaker.describe_endpoint(EndpointName="sdk")["EndpointStatus"] == "Creating"
    wait: Any = {"Delay": 1, "MaxAttempts": 20}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="sdk", WaiterConfig=wait)
    answer = deployed.runtime.invoke_endpoint(
        EndpointName="sdk", ContentType="application/json", Body=b'{"prompt": "Hello", "max_tokens": 3}'
    )
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert json.loads(answer["Body"].read())["generations"][0]["text"]
    sagemaker.update_endpoint(EndpointName="sdk", EndpointConfigName="sdk-2")
    updating = sagemaker.describe_endpoint(EndpointName="sdk")
    assert (updating["EndpointStatus"], updating["EndpointConfigName"]) == ("Updating", "sdk-1")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="sdk", WaiterConfig=wait)
    assert sagemaker.describe_endpoint(EndpointName="sdk")["EndpointConfigName"] == "sdk-2"
    assert [one["EndpointName"] for one in sagemaker.list_endpoints(NameContains="sd")["Endpoints"]] == ["sdk"]
    sagemaker.delete_endpoint(EndpointName="sdk")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="sdk", WaiterConfig=wait)
    for count in (1, 2):
        sagemaker.delete_endpoint_config(EndpointConfigName=f"sdk-{count}")


def test_what_sagemaker_refuses(deployed: Deployed, model: str) -> None:
    sagemaker = deployed.sagemaker
    role = sagemaker.describe_model(ModelName="sdk")["ExecutionRoleArn"]
    container = {"ModelPackageName": PACKAGE}
    request = {"ModelName": "other", "ExecutionRoleArn": role, "PrimaryContainer": container}
    isolated = {**request, "EnableNetworkIsolation": True}
    assert "EnableNetworkIsolation must be true" in refused(sagemaker.create_model, **request)
    assert "already existing model" in refused(sagemaker.create_model, **{**isolated, "ModelName": "sdk"})
    assert "Could not assume role" in refused(sagemaker.create_model, **{**isolated, "ExecutionRoleArn": role + "x"})
    abroad = {"ModelPackageName": PACKAGE.replace("us-east-1", "eu-west-1")}
    assert "of region eu-west-1" in refused(sagemaker.create_model, **{**isolated, "PrimaryContainer": abroad})
    named = {**container, "Environment": {"A": "b"}}
    assert "Environment variable map" in refused(sagemaker.create_model, **{**isolated, "PrimaryContainer": named})
    for change, message in (
        ({"ModelName": "missing"}, "Could not find model"),
        ({"InstanceType": "ml.g55.xlarge"}, "failed to satisfy constraint"),
        ({"ManagedInstanceScaling": {"Status": "ENABLED"}}, "only supported for inference component"),
    ):
        variants: Any = [{**VARIANT, **change}]
        call = sagemaker.create_endpoint_config
        assert message in refused(call, EndpointConfigName="other", ProductionVariants=variants)
    assert "Could not find endpoint config" in refused(
        sagemaker.create_endpoint, EndpointName="other", EndpointConfigName="missing"
    )
    existing = sagemaker.describe_endpoint(EndpointName="cohere-local")["EndpointConfigName"]
    assert "already existing endpoint" in refused(
        sagemaker.create_endpoint, EndpointName="Cohere-Local", EndpointConfigName=existing
    )


def test_a_model_that_is_refused(deployed: Deployed, model: str) -> None:
    role = deployed.sagemaker.describe_model(ModelName="sdk")["ExecutionRoleArn"]
    container = {"ModelPackageName": PACKAGE, "ModelDataUrl": "s3://bucket/model.tar.gz"}
    request = {"ModelName": "other", "ExecutionRoleArn": role, "EnableNetworkIsolation": True}
    message = refused(deployed.sagemaker.create_model, **request, PrimaryContainer=container)
    assert "ModelDataUrl cannot be specified" in message


KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"


@pytest.mark.parametrize(
    ("variant", "more", "message"),
    [
        ({}, {"KmsKeyId": KEY}, "KmsKeyId cannot be specified for instance type ml.g5.xlarge"),
        ({}, {"AsyncInferenceConfig": {"OutputConfig": {}}}, "Marketplace images are not supported"),
        ({}, {"ShadowProductionVariants": [{**VARIANT, "VariantName": "Shadow"}]}, "Shadow variants are not supported"),
        ({"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1}}, {}, "Serverless inference is not"),
    ],
)
def test_a_config_that_is_refused(
    deployed: Deployed, model: str, variant: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    variants: Any = [{**VARIANT, **variant}]
    call = deployed.sagemaker.create_endpoint_config
    assert message in refused(call, EndpointConfigName="other", ProductionVariants=variants, **more)


def test_a_way_of_deploying_that_is_refused(deployed: Deployed) -> None:
    waves: Any = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    }
    config = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")["EndpointConfigName"]
    for call in (deployed.sagemaker.create_endpoint, deployed.sagemaker.update_endpoint):
        message = refused(call, EndpointName="cohere-local", EndpointConfigName=config, DeploymentConfig=waves)
        assert "DeploymentConfig is not supported" in message


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({"EndpointName": "missing"}, "ValidationError", "Endpoint missing of account 111122223333 not found."),
        ({"EndpointName": "Cohere-Local"}, "ValidationError", "Endpoint Cohere-Local of account"),
        ({"TargetVariant": "Blue"}, "ValidationError", "Variant Blue not found for Request"),
        ({"Body": b"x" * 6_291_457}, "ValidationError", "at most 6291456 bytes"),
        ({"Body": b"{"}, "ModelError", "Received client error (400) from primary with message"),
    ],
)
def test_what_the_runtime_refuses(deployed: Deployed, request_: dict[str, Any], code: str, message: str) -> None:
    request = {
        "EndpointName": "cohere-local",
        "ContentType": "application/json",
        "Body": b'{"prompt": "p"}',
        **request_,
    }
    with pytest.raises(ClientError) as caught:
        deployed.runtime.invoke_endpoint(**request)
    assert caught.value.response["Error"]["Code"] == code
    assert message in caught.value.response["Error"]["Message"]


def test_a_model_error_has_all_its_fields(deployed: Deployed) -> None:
    with pytest.raises(ClientError) as caught:
        deployed.runtime.invoke_endpoint(EndpointName="cohere-local", ContentType="application/json", Body=b"{")
    response: dict[str, Any] = caught.value.response  # type: ignore[assignment]
    assert response["OriginalStatusCode"] == 400
    assert json.loads(response["OriginalMessage"]) == {"message": "invalid request: body is not valid JSON"}
    assert response["LogStreamArn"].startswith("arn:aws:logs:us-east-1:111122223333:")


def test_what_is_not_built_says_so(deployed: Deployed) -> None:
    with pytest.raises(ClientError, match="does not answer sagemaker's ListTrainingJobs"):
        deployed.sagemaker.list_training_jobs()


def _update(deployed: Deployed, template: dict[str, Any]) -> None:
    cloudformation = deployed.cloudformation
    cloudformation.update_stack(
        StackName="cohere-local-endpoint", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName="cohere-local-endpoint", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def test_a_change_is_a_new_config_and_the_same_endpoint(deployed: Deployed) -> None:
    body = deployed.cloudformation.get_template(StackName="cohere-local-endpoint")["TemplateBody"]
    original = json.loads(body) if isinstance(body, str) else dict(body)
    before = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")
    changed = json.loads(json.dumps(original))
    (config,) = [r for r in changed["Resources"].values() if r["Type"] == "AWS::SageMaker::EndpointConfig"]
    config["Properties"]["ProductionVariants"][0].update(InstanceType="ml.g5.2xlarge", InitialInstanceCount=2)
    _update(deployed, changed)
    after = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")
    assert after["EndpointArn"] == before["EndpointArn"]
    assert after["CreationTime"] == before["CreationTime"]
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    assert after["ProductionVariants"][0]["CurrentInstanceCount"] == 2, "the count is the template's, not retained"
    configs = deployed.sagemaker.list_endpoint_configs()["EndpointConfigs"]
    assert [one["EndpointConfigName"] for one in configs] == [after["EndpointConfigName"]]
    _update(deployed, original)


def test_a_refusal_fails_the_resource_and_rolls_back(deployed: Deployed) -> None:
    body = deployed.cloudformation.get_template(StackName="cohere-local-endpoint")["TemplateBody"]
    template = json.loads(json.dumps(json.loads(body) if isinstance(body, str) else dict(body)))
    (model,) = [r for r in template["Resources"].values() if r["Type"] == "AWS::SageMaker::Model"]
    model["Properties"]["EnableNetworkIsolation"] = False
    with pytest.raises(Exception, match="Waiter StackUpdateComplete failed"):
        _update(deployed, template)
    (stack,) = deployed.cloudformation.describe_stacks(StackName="cohere-local-endpoint")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    events = deployed.cloudformation.describe_stack_events(StackName="cohere-local-endpoint")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("EnableNetworkIsolation must be true" in reason for reason in reasons)
    assert deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")["EndpointStatus"] == "InService"


def test_scalable_targets_are_kept_and_hold_the_instance_type(deployed: Deployed) -> None:
    target = {
        "ResourceId": "endpoint/cohere-local/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ServiceNamespace": "sagemaker",
    }
    policy = {
        "PolicyName": "tokens",
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": {"Ref": "Target"},
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 4,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        },
    }
    resources = {
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {**target, "MinCapacity": 1, "MaxCapacity": 2},
        },
        "Policy": {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": policy},
    }
    outputs = {"Target": {"Value": {"Ref": "Target"}}}
    cloudformation = deployed.cloudformation
    wait: Any = {"Delay": 1, "MaxAttempts": 30}
    cloudformation.create_stack(
        StackName="scaling", TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs})
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="scaling", WaiterConfig=wait)
    (output,) = cloudformation.describe_stacks(StackName="scaling")["Stacks"][0]["Outputs"]
    assert output["OutputValue"] == "|".join(target.values())
    sagemaker = deployed.sagemaker
    config = sagemaker.describe_endpoint(EndpointName="cohere-local")["EndpointConfigName"]
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    bigger: Any = {**variant, "InstanceType": "ml.g5.2xlarge"}
    sagemaker.create_endpoint_config(EndpointConfigName="bigger", ProductionVariants=[bigger])
    message = refused(sagemaker.update_endpoint, EndpointName="cohere-local", EndpointConfigName="bigger")
    assert 'The variant "AllTraffic"' in message
    assert "is registered as a scalable target" in message
    sagemaker.delete_endpoint_config(EndpointConfigName="bigger")
    cloudformation.delete_stack(StackName="scaling")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="scaling", WaiterConfig=wait)
