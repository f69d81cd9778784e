"""Chooses the instances of a variant by quota and capacity, and decides whether its container becomes healthy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from local_aws.conditions import Conditions
from local_aws.server.errors import AwsError
from sagemaker_llm import ModelPackage
from sagemaker_llm.limits import COHERE_AMI

# Wording from public issues.
_NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using a "
    "different ML instance type or after some time."
)
_NOT_HEALTHY = (
    "The {container} container for production variant {variant} did not pass the ping health check. Please check "
    "CloudWatch logs for this endpoint."
)


def place(
    variants: list[dict[str, Any]],
    in_use: Counter[str],
    conditions: Conditions,
    package_of: Callable[[str], ModelPackage],
) -> tuple[dict[str, str], str]:
    """Choose an instance type for each variant.

    Args:
        variants: the endpoint config's.
        in_use: instances that the account's endpoints have, by type.
        conditions: quotas, capacity and health.
        package_of: returns the package of a model by its name.

    Returns:
        The type of each variant, and why the endpoint will fail; empty when it will not.

    Raises:
        AwsError: ``ResourceLimitExceeded``, at once, when no type has the quota.

    """
    used, types, failure = in_use.copy(), dict[str, str](), ""
    for variant in variants:
        name, count = variant["VariantName"], variant["InitialInstanceCount"]
        pools = sorted(variant.get("InstancePools", []), key=lambda pool: int(pool["Priority"]))
        offered = pools or [{"InstanceType": variant["InstanceType"]}]
        within_quota = [o for o in offered if used[o["InstanceType"]] + count <= conditions.quota(o["InstanceType"])]
        if not within_quota:
            raise _no_quota(offered[0]["InstanceType"], used, count, conditions)
        available = [
            o for o in within_quota if conditions.has_capacity(o["InstanceType"], used[o["InstanceType"]] + count)
        ]
        chosen = (available or within_quota)[0]
        types[name] = chosen["InstanceType"]
        used[types[name]] += count
        package = package_of(chosen.get("ModelNameOverride", variant["ModelName"]))
        if not available:
            failure = failure or _NO_CAPACITY
        elif not _becomes_healthy(package, variant.get("InferenceAmiVersion"), conditions):
            failure = failure or _NOT_HEALTHY.format(container="primary", variant=name)
    return types, failure


def _becomes_healthy(package: ModelPackage, ami: str | None, conditions: Conditions) -> bool:
    """Return whether a container starts: it needs its GPU driver (Cohere's setup guide; cohere-aws#187)."""
    lacks_driver = package.inference_ami in ("required", "assumed") and ami != COHERE_AMI
    return not conditions.is_unhealthy(package.name) and not lacks_driver


def _no_quota(instance_type: str, used: Counter[str], count: int, conditions: Conditions) -> AwsError:
    return AwsError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{instance_type} for endpoint usage' is {conditions.quota(instance_type)} "
        f"Instances, with current utilization of {used[instance_type]} Instances and a request delta of {count} "
        "Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not "
        "available, contact AWS support to request an increase for this quota.",
    )
