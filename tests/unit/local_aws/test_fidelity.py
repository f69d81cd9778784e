"""The local cloud agrees with copies of AWS's own models."""

import re

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from local_aws.server.errors import AwsError
from local_aws.server.request_validation import check, from_template, longest, operations, python_pattern
from local_aws.server.resource_schemas import SCALABLE_TARGET_IDENTIFIER, CreateOnly, create_only_properties

CREATED = ("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint", "AddTags", "DeleteTags")


TYPES = {
    "AWS::SageMaker::Model": ("ModelName", "PrimaryContainer"),
    "AWS::SageMaker::EndpointConfig": ("ProductionVariants", "MetricsConfig"),
    "AWS::SageMaker::Endpoint": ("EndpointName",),
    "AWS::ApplicationAutoScaling::ScalableTarget": SCALABLE_TARGET_IDENTIFIER,
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("PolicyName", "ScalingTargetId"),
    "AWS::ApiGateway::RequestValidator": ("RestApiId", "Name"),
    "AWS::WAFv2::WebACLAssociation": ("ResourceArn", "WebACLArn"),
}
"""The CloudFormation types that we add, and some of their create-only properties."""


@pytest.mark.parametrize("name", TYPES)
def test_create_only_properties_come_from_cloudformations_schema(name: str) -> None:
    assert all(one in CreateOnly(name) for one in TYPES[name])
    assert "Tags" not in CreateOnly(name)
    assert "EndpointConfigName" not in CreateOnly("AWS::SageMaker::Endpoint")


def test_create_only_properties_are_the_top_level_names() -> None:
    assert not any("/" in one or not one for name in TYPES for one in create_only_properties(name, "us-east-1"))


@pytest.mark.parametrize("name", TYPES)
def test_regions_do_not_differ_in_create_only_properties(name: str) -> None:
    """``CreateOnly`` reads the schema of one region."""
    assert create_only_properties(name, "eu-west-1") == create_only_properties(name, "us-east-1")


def test_a_targets_identifier_is_cloudformations() -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::ApplicationAutoScaling::ScalableTarget")
    assert schema.schema["primaryIdentifier"] == [f"/properties/{name}" for name in SCALABLE_TARGET_IDENTIFIER]


def test_the_limit_of_a_body_is_the_models() -> None:
    assert longest("sagemaker-runtime", "InvokeEndpoint", "Body") == 6_291_456


BUILT = {
    "sagemaker": CREATED,
    "application-autoscaling": ("RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction"),
    "service-quotas": ("GetServiceQuota", "ListServiceQuotas"),
}


@pytest.mark.parametrize("service", BUILT)
def test_every_pattern_of_what_is_built_can_be_checked(service: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    seen: set[str] = set()

    def walk(shape: Shape | None) -> None:
        if shape is None or shape.name in seen:
            return
        seen.add(shape.name)
        if isinstance(shape, StructureShape):
            for member in shape.members.values():
                walk(member)
        elif isinstance(shape, ListShape):
            walk(shape.member)
        elif isinstance(shape, MapShape):
            walk(shape.value)
        elif isinstance(shape, StringShape) and "pattern" in shape.metadata:
            re.compile(python_pattern(shape.metadata["pattern"]))

    for operation in BUILT[service]:
        assert operation in operations(service)
        walk(model.operation_model(operation).input_shape)
    assert len(seen) > len(BUILT[service])


VARIANT = {"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 1}
WRONG = [
    (
        {"InstanceType": "ml.g55.xlarge"},
        "Value 'ml.g55.xlarge' at 'ProductionVariants[0].InstanceType' failed to satisfy",
    ),
    ({"InstanceTyp": "x"}, 'Unknown parameter in ProductionVariants[0]: "InstanceTyp"'),
    ({"InitialInstanceCount": "two"}, "Invalid type for parameter ProductionVariants[0].InitialInstanceCount"),
    ({"VariantName": "a_b"}, "failed to satisfy constraint: Member must satisfy regular expression pattern"),
    ({"ModelName": "m" * 64}, "failed to satisfy constraint"),
    ({"VolumeSizeInGB": 513}, "Value '513' at 'ProductionVariants[0].VolumeSizeInGB' failed to satisfy constraint"),
    ({"InstancePools": [{"InstanceType": "ml.g5.xlarge", "Priority": 6}]}, "have value less than or equal to 5"),
    ({"InstancePools": [{"InstanceType": "ml.g5.xlarge", "Priority": 1}] * 6}, "have length less than or equal to 5"),
    ({"InferenceAmiVersion": "al2"}, "failed to satisfy constraint: Member must satisfy enum value set"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_a_request_is_checked_as_sagemaker_would(change: dict[str, object], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        check(
            "sagemaker",
            "CreateEndpointConfig",
            {"EndpointConfigName": "c", "ProductionVariants": [{**VARIANT, **change}]},
        )
    assert caught.value.code == "ValidationException"
    assert message in str(caught.value)


def test_templates_may_write_numbers_and_booleans_as_text() -> None:
    given = {"ProductionVariants": [{**VARIANT, "InitialInstanceCount": "2"}], "EnableNetworkIsolation": "true"}
    found = from_template("sagemaker", "CreateEndpointConfig", given)
    assert found["ProductionVariants"][0]["InitialInstanceCount"] == 2
    assert found["EnableNetworkIsolation"] is True
