"""The real-time SageMaker endpoint on GPU instances."""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from marketplace_llm import limits
from marketplace_llm.instance_type import InstanceType
from marketplace_llm.marketplace_model import MarketplaceModel

VARIANT_NAME = "AllTraffic"
"""The name of the endpoint's only variant, as every AWS console and SDK default calls it."""


class InvocableEndpoint(Construct):
    """An endpoint that may be invoked by its literal name, whichever stack owns it.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        endpoint_name: the endpoint's name, in the stack's account and region.

    Attributes:
        endpoint_name: the literal name.
        endpoint_arn: the ARN in this stack's partition, account and region.

    Raises:
        OptionError: SageMaker would refuse the name.

    """

    def __init__(self, scope: Construct, construct_id: str, *, endpoint_name: str) -> None:
        super().__init__(scope, construct_id)
        self.endpoint_name = limits.check_endpoint_name(endpoint_name)
        self.endpoint_arn = Stack.of(self).format_arn(
            service="sagemaker",
            resource="endpoint",
            resource_name=endpoint_name,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow ``sagemaker:InvokeEndpoint`` on this one endpoint, and nothing else."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["sagemaker:InvokeEndpoint"], resource_arns=[self.endpoint_arn]
        )


class GpuEndpoint(InvocableEndpoint):
    """A Marketplace model served on GPU instances, with everything that decides whether it ever becomes healthy.

    Only the endpoint has a fixed name. CloudFormation names the endpoint config, so any change makes a new config and
    updates the endpoint in place: SageMaker brings up the new fleet beside the old one (quota and cost are doubled
    meanwhile) and swaps at once, the only way it offers for Marketplace containers
    (docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html).

    Updates keep what lives outside the template (variant weights), but the instance count is the template's.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        model: what is served.
        endpoint_name: at most 63 lower-case letters, digits and inner hyphens; unique in account and region.
        instance_type: a GPU type, e.g. ``ml.g5.xlarge``.
        instance_count: instances at all times; default 1.
        inference_ami_version: the host image, which decides the GPU driver. Cohere demands
            ``al2-ami-sagemaker-inference-gpu-2`` for model versions after 3.0.5 (docs.cohere.com, "Amazon SageMaker
            Setup Guide"); older packages predate it. Default: SageMaker's own default.
        model_download_timeout: how long the download of the weights may take, 60 to 3600 s; default 2400 s, as in
            Cohere's own client.
        container_startup_timeout: how long the container may take to become healthy, 60 to 3600 s; default 2400 s.
        log_retention: how long container logs are kept; default one month.

    Attributes:
        log_group: the containers' log group, made here so that it has a retention (SageMaker's own would have none).
        endpoint_config_name: the config that this template wants; compare it with DescribeEndpoint after a deployment,
            because SageMaker can fall back to the former one.

    Raises:
        OptionError: SageMaker would refuse the value.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: MarketplaceModel,
        endpoint_name: str,
        instance_type: str,
        instance_count: int = 1,
        inference_ami_version: str | None = None,
        model_download_timeout: Duration | None = None,
        container_startup_timeout: Duration | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        super().__init__(scope, construct_id, endpoint_name=endpoint_name)
        gpu = InstanceType.of(instance_type)
        model.package.check(instance_type=gpu.name)
        # RetentionDays or a removal other than DESTROY would leave a group whose fixed name blocks the next deployment.
        self.log_group = logs.LogGroup(
            self,
            "LogGroup",
            log_group_name=f"/aws/sagemaker/Endpoints/{endpoint_name}",
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.log_group.grant_write(model.role)
        variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name=VARIANT_NAME,
            model_name=model.model_name,
            instance_type=gpu.name,
            initial_instance_count=limits.check_instance_count(instance_count),
            initial_variant_weight=1,
            inference_ami_version=limits.check_inference_ami(inference_ami_version) if inference_ami_version else None,
            model_data_download_timeout_in_seconds=_seconds("model_download_timeout", model_download_timeout),
            container_startup_health_check_timeout_in_seconds=_seconds(
                "container_startup_timeout", container_startup_timeout
            ),
            # Generations differ widely in length, so the default (random) queues short ones behind long ones.
            routing_config=sagemaker.CfnEndpointConfig.RoutingConfigProperty(
                routing_strategy="LEAST_OUTSTANDING_REQUESTS"
            ),
        )
        config = sagemaker.CfnEndpointConfig(self, "Config", production_variants=[variant])
        self.endpoint_config_name = config.attr_endpoint_config_name
        excluded = [
            sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type=name)
            for name in ("DataCaptureConfig", "DesiredInstanceCount")
        ]
        sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=endpoint_name,
            endpoint_config_name=config.attr_endpoint_config_name,
            retain_all_variant_properties=True,
            exclude_retained_variant_properties=excluded,
        )


def _seconds(option: str, duration: Duration | None) -> float:
    return limits.check_timeout(option, duration.to_seconds() if duration else 2400)
