"""Stacks of this project that no environment file declares: what they run goes on, and is billed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from endpointctl.aws import Aws
from endpointctl.aws_failure import as_failure, is_expired
from sagemaker_llm.models.instance_type import instance_types
from stacks.names import PROJECT, STACKS, stack_name
from stacks.settings import Settings

# Stacks that were deployed before stacks had tags.
_NAME: Final = re.compile(stack_name("(.+)", f"({'|'.join(STACKS)})"))


@dataclass(frozen=True)
class Orphan:
    """A stack that no file declares.

    Attributes:
        stack: its name.
        environment: the environment that it was deployed for.
        region: where it is.
        status: CloudFormation's status of it.
        instances: how many instances of each type its endpoint runs; empty when it has none, or AWS does not tell.
        usd_per_hour: the list price of those in us-east-1, without the seller's software; None when it is not known.

    """

    stack: str
    environment: str
    region: str
    status: str
    instances: Mapping[str, int]
    usd_per_hour: float | None


def declared(environments: Mapping[str, Settings], region: str, account: str) -> set[str]:
    """Return the names of the stacks that the files declare in a region of an account."""
    found = set[str]()
    for name, settings in environments.items():
        if settings.region == region and settings.account in (None, account):
            found.update(stack_name(name, stack) for stack in settings.stacks)
    return found


def orphans(aws: Aws, names: Iterable[str]) -> list[Orphan]:
    """Return the stacks of this project in a region that are not among ``names``.

    Args:
        aws: the caller's session in that region.
        names: the stacks that are declared.

    Raises:
        Failure: there are no credentials, or AWS denies access.

    """
    known = set(names)
    with as_failure():
        pages = aws.client("cloudformation").get_paginator("describe_stacks").paginate()
        stacks = [stack for page in pages for stack in page["Stacks"]]
        found = [(stack, name) for stack in stacks if (name := _environment(stack)) and stack["StackName"] not in known]
        return [_orphan(aws, stack, name) for stack, name in sorted(found, key=lambda one: str(one[0]["StackName"]))]


def _environment(stack: Mapping[str, Any]) -> str:
    """Return the environment of a stack of this project; empty for any other stack."""
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    if tags.get("project") == PROJECT and tags.get("environment"):
        return str(tags["environment"])
    match = _NAME.fullmatch(stack["StackName"])
    return match[1] if match else ""


def _orphan(aws: Aws, stack: Mapping[str, Any], environment: str) -> Orphan:
    instances: dict[str, int] = {}
    prices: list[float | None] = []
    resources = aws.client("cloudformation").describe_stack_resources(StackName=stack["StackName"])["StackResources"]
    for one in resources:
        if one["ResourceType"] == "AWS::SageMaker::Endpoint" and one["ResourceStatus"] != "DELETE_COMPLETE":
            try:
                running = _instances(aws, one.get("PhysicalResourceId", "").rpartition("/")[2])
            except ClientError as error:  # e.g. deleted behind CloudFormation's back, or denied
                if is_expired(error):
                    raise
                prices.append(None)
                continue
            for name, count in running:
                instances[name] = instances.get(name, 0) + count
                prices.append(_price(name, count))
    known = [price for price in prices if price is not None]
    usd = sum(known) if len(known) == len(prices) else None
    return Orphan(stack["StackName"], environment, aws.region, stack["StackStatus"], instances, usd)


def _instances(aws: Aws, endpoint: str) -> list[tuple[str, int]]:
    """Return type and number of each variant's instances; of pools the type that is tried first."""
    sagemaker = aws.client("sagemaker")
    found = sagemaker.describe_endpoint(EndpointName=endpoint)
    counts = {one["VariantName"]: one.get("CurrentInstanceCount", 0) for one in found.get("ProductionVariants", [])}
    config = sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
    types = {
        one["VariantName"]: one.get("InstanceType") or min(one["InstancePools"], key=_priority)["InstanceType"]
        for one in config["ProductionVariants"]
    }
    return [(types[name], count) for name, count in counts.items() if name in types and count]


def _price(name: str, count: int) -> float | None:
    known = instance_types().get(name)
    return None if known is None or known.price_usd_per_hour is None else known.price_usd_per_hour * count


def _priority(pool: Mapping[str, Any]) -> int:
    return int(pool["Priority"])
