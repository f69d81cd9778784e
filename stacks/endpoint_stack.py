"""The stack of the model and the GPUs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aws_cdk import CfnCondition, CfnOutput, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagemaker_llm import CaptureBucket, GpuEndpoint, MarketplaceModel, ModelPackage, VpcAttachment
from sagemaker_llm.limits import VARIANT_NAME
from stacks import acknowledgements, variants
from stacks.environment_stack import EnvironmentStack
from stacks.names import publish
from stacks.retention import retention
from stacks.settings import Settings
from stacks.settings.errors import within
from stacks.settings.sections import DataCapture, Model

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms


class EndpointStack(EnvironmentStack):
    """A Marketplace model on a GPU endpoint.

    Args:
        scope: the stage.
        construct_id: the id in the stage, ``endpoint``.
        environment: the environment's name.
        settings: the settings in its file.
        tags: the tags of the stack itself, not of its resources.

    Raises:
        OptionError: the settings do not go together.

    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: str, settings: Settings, tags: Mapping[str, str]
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            settings=settings,
            tags=tags,
            description="A language model from AWS Marketplace on a SageMaker GPU endpoint",
        )
        self._settings = settings
        self._models: dict[str, MarketplaceModel] = {}
        section = settings.endpoint
        found = []
        for name, (path, model, one) in zip((VARIANT_NAME, *section.more_variants), settings.variants(), strict=True):
            with within(path):
                found.append(variants.variant(name, one, model, self._model))
        capture = self._capture(section.data_capture)
        awake = self._awake() if section.sleep else None
        endpoint = GpuEndpoint(
            self,
            "Endpoint",
            endpoint_name=section.name,
            variants=found,
            volume_key=self._volume_key(section.volume_key_arn),
            volume_key_with_nvme=section.volume_key_with_nvme,
            data_capture=capture,
            capture_percentage=section.data_capture.percentage if section.data_capture else 100,
            log_retention=retention(section.log_retention_days),
            awake=awake,
        )
        acknowledgements.for_endpoint(endpoint, capture, has_volume_key=bool(section.volume_key_arn))
        switch = None
        if section.sleep:
            from stacks import power  # most environments do without

            switch = power.declare(self, environment, endpoint, section.sleep, retention(section.log_retention_days))
        if settings.alarms:
            from stacks.watching import alarms as watching  # most environments do without

            watching.watch_endpoint(self, environment, settings.alarms, endpoint, switch)
        CfnOutput(self, "EndpointName", value=endpoint.endpoint_name)
        CfnOutput(self, "EndpointConfigName", value=endpoint.endpoint_config_name)
        publish(self, environment, "endpoint-name", endpoint.endpoint_name)
        publish(self, environment, "endpoint-arn", endpoint.endpoint_arn)
        publish(self, environment, "api", settings.api or "")

    def _awake(self) -> CfnCondition:
        from sagemaker_llm import AwakeParameter  # most environments do without

        return AwakeParameter(self, "Awake").condition

    def _capture(self, section: DataCapture | None) -> CaptureBucket | None:
        return CaptureBucket(self, "Capture", retention=Duration.days(section.retention_days)) if section else None

    def _volume_key(self, arn: str | None) -> kms.IKey | None:
        if not arn:
            return None
        from aws_cdk import aws_kms as kms  # most environments do without, and it takes time to load

        return kms.Key.from_key_arn(self, "VolumeKey", arn)

    def _model(self, model: Model, instance_type: str) -> MarketplaceModel:
        """Return the model for a GPU type: one for each package, all with one execution role."""
        package = model.package(instance_type, self._settings.region)
        if package.arn not in self._models:
            self._models[package.arn] = self._new_model(package)
        return self._models[package.arn]

    def _new_model(self, package: ModelPackage) -> MarketplaceModel:
        section = self._settings.endpoint
        first = next(iter(self._models.values()), None)
        role: iam.IRole | None = first.role if first else None
        if not role and section.execution_role_arn:
            role = iam.Role.from_role_arn(self, "ExecutionRole", section.execution_role_arn, mutable=False)
        vpc = VpcAttachment(section.vpc.subnet_ids, section.vpc.security_group_ids) if section.vpc else None
        # By their order: a package's own name in it would replace the role, which lies in the first one.
        construct_id = f"Model{len(self._models) + 1}" if first else "Model"
        return MarketplaceModel(self, construct_id, package=package, role=role, vpc=vpc)
