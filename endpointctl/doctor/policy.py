"""The IAM policy that the doctor needs."""

from __future__ import annotations

from typing import Any

from endpointctl.aws import qualifier
from stacks.names import stack_name
from stacks.settings import Settings


def document(environment: str, settings: Settings, *, increases: bool = False) -> dict[str, Any]:
    """Return the policy for one environment; an account that the file does not name is a wildcard.

    Args:
        environment: the environment's name.
        settings: the settings in its file.
        increases: whether ``--fix`` may request larger quotas.

    """
    import boto3

    region, account = settings.region, settings.account or "*"
    arn = f"arn:{boto3.Session().get_partition_for_region(region)}"
    place = f"{region}:{account}"
    packages = sorted(
        {
            chosen.package(name, region).arn
            for _, model, variant in settings.variants()
            for name, chosen in variant.types_and_models(model)
        }
    )
    stacks = [f"{arn}:cloudformation:{place}:stack/{stack_name(environment, one)}/*" for one in settings.stacks]
    statements = [
        (["ssm:GetParameter"], [f"{arn}:ssm:{place}:parameter/cdk-bootstrap/{qualifier()}/version"]),
        (["cloudformation:DescribeStacks", "cloudformation:DescribeStackResources"], stacks),
        (["sagemaker:DescribeModelPackage"], packages),
        (
            ["sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig"],
            [f"{arn}:sagemaker:{place}:endpoint/*", f"{arn}:sagemaker:{place}:endpoint-config/*"],
        ),
        # These take no resource.
        (
            [
                "aws-marketplace:SearchAgreements",
                "sagemaker:ListEndpoints",
                "servicequotas:GetAWSDefaultServiceQuota",
                "servicequotas:GetServiceQuota",
                "servicequotas:ListAWSDefaultServiceQuotas",
                "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota",
            ],
            ["*"],
        ),
        *_of_the_proxy(environment, settings, arn),
    ]
    if settings.alarms:
        topic = settings.alarms.topic_arn or f"{arn}:sns:{place}:{stack_name(environment, '*')}"
        statements.append((["sns:ListSubscriptionsByTopic"], [topic]))
    if increases:
        statements.append((["servicequotas:RequestServiceQuotaIncrease"], [f"{arn}:servicequotas:{place}:sagemaker/*"]))
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": resources} for actions, resources in statements
        ],
    }


def _of_the_proxy(environment: str, settings: Settings, arn: str) -> list[tuple[list[str], list[str]]]:
    if not settings.has_proxy:
        return []
    found = []
    if settings.reserved_concurrency:
        function = (
            f"{arn}:lambda:{settings.region}:{settings.account or '*'}:function:{stack_name(environment, 'proxy')}*"
        )
        found += [(["lambda:GetAccountSettings"], ["*"]), (["lambda:GetFunctionConcurrency"], [function])]
    if settings.proxy.rest_api and not settings.proxy.rest_api.account_log_role:
        found.append((["apigateway:GET"], [f"{arn}:apigateway:{settings.region}::/account"]))
    return found
