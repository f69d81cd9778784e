"""What the local cloud knows of AWS, against copies of AWS's own models."""

import re

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from local_aws.server.create_only import CREATE_ONLY
from local_aws.server.errors import AwsError
from local_aws.server.request_validation import check, from_template, operations, python_pattern

CREATED = ("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint", "AddTags", "DeleteTags")


@pytest.mark.parametrize("name", CREATE_ONLY)
def test_create_only_properties_are_cloudformations(name: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema
    paths = {path.removeprefix("/properties/").split("/")[0] for path in schema.get("createOnlyProperties", [])}
    assert set(CREATE_ONLY[name]) == paths


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


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_a_request_is_checked_as_sagemaker_would(change: dict[str, object], said: str) -> None:
    with pytest.raises(AwsError) as caught:
        check(
            "sagemaker",
            "CreateEndpointConfig",
            {"EndpointConfigName": "c", "ProductionVariants": [{**VARIANT, **change}]},
        )
    assert caught.value.code == "ValidationException"
    assert said in str(caught.value)


def test_templates_may_write_numbers_and_booleans_as_text() -> None:
    given = {"ProductionVariants": [{**VARIANT, "InitialInstanceCount": "2"}], "EnableNetworkIsolation": "true"}
    found = from_template("sagemaker", "CreateEndpointConfig", given)
    assert found["ProductionVariants"][0]["InitialInstanceCount"] == 2
    assert found["EnableNetworkIsolation"] is True
