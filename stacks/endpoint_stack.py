"""The stack that owns the model and the GPUs."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from marketplace_llm import GpuEndpoint, MarketplaceModel, ModelPackage
from stacks.retention import retention
from stacks.settings import Settings


class EndpointStack(Stack):
    """A Marketplace model on a GPU endpoint.

    Args:
        scope: the stage.
        construct_id: the id in the stage.
        stack_name: the name in CloudFormation.
        settings: the environment.
        termination_protection: whether CloudFormation refuses to delete it.

    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stack_name: str, settings: Settings, termination_protection: bool
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=stack_name,
            termination_protection=termination_protection,
            description="A language model from AWS Marketplace on a SageMaker GPU endpoint",
        )
        wanted = settings.endpoint
        model = MarketplaceModel(self, "Model", package=ModelPackage.from_arn(settings.model.package_arn))
        endpoint = GpuEndpoint(
            self,
            "Endpoint",
            model=model,
            endpoint_name=wanted.name,
            instance_type=wanted.instance_type,
            instance_count=wanted.instance_count,
            inference_ami_version=wanted.inference_ami_version,
            model_download_timeout=Duration.seconds(wanted.model_download_timeout_seconds),
            container_startup_timeout=Duration.seconds(wanted.container_startup_timeout_seconds),
            log_retention=retention(wanted.log_retention_days),
        )
        CfnOutput(self, "EndpointName", value=endpoint.endpoint_name)
        CfnOutput(self, "EndpointConfigName", value=endpoint.endpoint_config_name)
