"""The rules by which SageMaker refuses models and variants of AWS Marketplace packages.

Each rule has its source. docs/fidelity.md lists the rules whose exact wording is not known.
"""

from __future__ import annotations

import re
from typing import Any

from local_aws.conditions import Conditions
from local_aws.server.errors import validation
from sagemaker_llm import ModelPackage, OptionError
from sagemaker_llm.models.instance_type import instance_types

_ACCELERATED = re.compile(r"ml\.(g|p|inf|trn)\d")


def check_model(request: dict[str, Any], region: str, conditions: Conditions) -> None:
    """Refuse a model that SageMaker does not create.

    Raises:
        AwsError: ``ValidationException``.

    """
    containers = [c for c in [request.get("PrimaryContainer"), *request.get("Containers", [])] if c]
    for container in containers:
        package = container.get("ModelPackageName")
        if not package:
            raise validation("The local cloud runs AWS Marketplace packages only: ModelPackageName is missing.")
        _check_package(package, region)
        # Wording from public notebooks' issues.
        if conditions.lacks_subscription(package):
            raise validation("Caller is not subscribed to the marketplace offering.")
        # "Environment variable map cannot be specified when using a ModelPackage": facts of the field, 2023-2026.
        if container.get("Environment"):
            raise validation(
                "Environment variable map cannot be specified when using a ModelPackage subscribed from "
                "AWS Marketplace."
            )
        if container.get("ModelDataUrl") or container.get("ModelDataSource"):
            raise validation("ModelDataUrl cannot be specified when using a ModelPackage.")
    # docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html; wording from aws/aws-cdk#16779.
    if not request.get("EnableNetworkIsolation"):
        raise validation("EnableNetworkIsolation must be true for models using SageMaker Marketplace algorithms.")


def _check_package(arn: str, region: str) -> None:
    try:
        package = ModelPackage.from_arn(arn)
    except OptionError:
        raise validation(f"ModelPackageName {arn} is not the ARN of a model package.") from None
    if package.region != region:
        raise validation(f"Cannot use model package {arn} of region {package.region} in region {region}.")


def check_variant(variant: dict[str, Any], model: dict[str, Any]) -> None:
    """Refuse a production variant that SageMaker does not accept for a Marketplace model.

    Raises:
        AwsError: ``ValidationException``.

    """
    # docs.aws.amazon.com/marketplace/latest/buyerguide, "AWS Marketplace machine learning products", quotas.
    if "ServerlessConfig" in variant:
        raise validation("Serverless inference is not supported for AWS Marketplace model packages.")
    # hashicorp/terraform-provider-aws#45926.
    if "ManagedInstanceScaling" in variant:
        raise validation("ManagedInstanceScaling is only supported for inference component endpoints.")
    named = f"production variant {variant['VariantName']} with model {model['ModelName']}"
    if ("InstanceType" in variant) == ("InstancePools" in variant):
        raise validation(f"Exactly one of InstanceType and InstancePools is required for {named}.")
    if "InitialInstanceCount" not in variant:
        raise validation(f"InitialInstanceCount is required for {named}.")
    pools = variant.get("InstancePools", [])
    if len({pool["Priority"] for pool in pools}) < len(pools):
        raise validation(f"The priorities of InstancePools must be unique for {named}.")


def check_instance_type(package: ModelPackage, instance_type: str) -> None:
    """Refuse a type without a GPU, and a GPU that does not fit the package by its id or the catalogue.

    Raises:
        AwsError: ``ValidationException``.

    """
    if not _ACCELERATED.match(instance_type):
        raise validation(f"Instance type {instance_type} is not supported by model package {package.name}.")
    try:
        package.check(instance_type=instance_type)
    except OptionError as error:
        message = f"Instance type {instance_type} is not supported by model package {package.name}: {error.problem}."
        raise validation(message) from None


def check_config(request: dict[str, Any], conditions: Conditions) -> None:
    """Refuse an endpoint config that SageMaker does not accept for Marketplace models.

    Raises:
        AwsError: ``ValidationException``.

    """
    # Wording from aws/sagemaker-python-sdk#3969.
    if "AsyncInferenceConfig" in request:
        raise validation("Marketplace images are not supported when specifying an AsyncInferenceConfig.")
    # docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests.html, exclusions.
    if request.get("ShadowProductionVariants"):
        raise validation("Shadow variants are not supported for AWS Marketplace model packages.")
    if request.get("KmsKeyId") and not conditions.kms_with_nvme:
        for variant in request["ProductionVariants"]:
            for one in variant.get("InstancePools", [variant]):
                known = instance_types().get(one.get("InstanceType", ""))
                if known and known.local_nvme:
                    raise validation(
                        f"KmsKeyId cannot be specified for instance type {known.name}, which has local storage."
                    )
    names = [variant["VariantName"] for variant in request["ProductionVariants"]]
    if len(set(names)) < len(names):
        raise validation("Production variant names must be unique.")


def check_deployment(request: dict[str, Any]) -> None:
    """Refuse a deployment configuration, which SageMaker excludes for Marketplace containers.

    Raises:
        AwsError: ``ValidationException``; wording ours.

    """
    # docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html.
    if "DeploymentConfig" in request:
        raise validation("DeploymentConfig is not supported for endpoints with AWS Marketplace containers.")


def variants_with_other_types(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    """Return the names of the variants that change their instance type or are removed."""
    types = {variant["VariantName"]: _types(variant) for variant in after}
    return [v["VariantName"] for v in before if types.get(v["VariantName"]) != _types(v)]


def _types(variant: dict[str, Any]) -> list[str]:
    return [one["InstanceType"] for one in variant.get("InstancePools", [variant])]
