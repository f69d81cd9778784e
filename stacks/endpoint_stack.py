"""The stack that owns the model and the GPUs."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagemaker_llm import CaptureBucket, GpuEndpoint, MarketplaceModel, ModelPackage, VpcAttachment
from sagemaker_llm.endpoint.variant import VARIANT_NAME
from stacks import variants
from stacks.names import publish
from stacks.retention import retention
from stacks.settings import Settings
from stacks.settings.sections import Model


class EndpointStack(Stack):
    """A Marketplace model on a GPU endpoint.

    Args:
        scope: the stage.
        construct_id: the id in the stage.
        stack_name: the name in CloudFormation.
        environment: the environment's name.
        settings: what its file says.

    Raises:
        OptionError: the settings do not go together.

    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stack_name: str, environment: str, settings: Settings
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=stack_name,
            termination_protection=settings.termination_protection,
            description="A language model from AWS Marketplace on a SageMaker GPU endpoint",
        )
        self._settings = settings
        self._models: dict[str, MarketplaceModel] = {}
        wanted = settings.endpoint
        found = [variants.variant(VARIANT_NAME, wanted, settings.model, self._model)]
        for name, more in wanted.more_variants.items():
            found.append(variants.variant(name, more, more.model, self._model))
        capture = wanted.data_capture
        endpoint = GpuEndpoint(
            self,
            "Endpoint",
            endpoint_name=wanted.name,
            variants=found,
            volume_key_arn=wanted.volume_key_arn,
            volume_key_with_nvme=wanted.volume_key_with_nvme,
            data_capture=CaptureBucket(self, "Capture", retention=Duration.days(capture.retention_days))
            if capture
            else None,
            capture_percentage=capture.percentage if capture else 100,
            log_retention=retention(wanted.log_retention_days),
        )
        CfnOutput(self, "EndpointName", value=endpoint.endpoint_name)
        CfnOutput(self, "EndpointConfigName", value=endpoint.endpoint_config_name)
        publish(self, environment, "endpoint-name", endpoint.endpoint_name)
        publish(self, environment, "endpoint-arn", endpoint.endpoint_arn)
        publish(self, environment, "api", settings.api or "")

    def _model(self, model: Model, instance_type: str) -> MarketplaceModel:
        """Return the model for a GPU type: one for each package, all with one execution role."""
        package = model.package(instance_type, self._settings.region)
        if package.arn not in self._models:
            self._models[package.arn] = self._new_model(package)
        return self._models[package.arn]

    def _new_model(self, package: ModelPackage) -> MarketplaceModel:
        wanted = self._settings.endpoint
        first = next(iter(self._models.values()), None)
        role: iam.IRole | None = first.role if first else None
        if not role and wanted.execution_role_arn:
            role = iam.Role.from_role_arn(self, "ExecutionRole", wanted.execution_role_arn, mutable=False)
        vpc = VpcAttachment(wanted.vpc.subnet_ids, wanted.vpc.security_group_ids) if wanted.vpc else None
        # By their order: a package's own name in it would replace the role, which lies in the first one.
        construct_id = f"Model{len(self._models) + 1}" if first else "Model"
        return MarketplaceModel(self, construct_id, package=package, role=role, vpc=vpc)
