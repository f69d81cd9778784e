"""The real-time SageMaker endpoint on GPU instances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import CfnCondition, RemovalPolicy
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_llm import limits
from sagemaker_llm.endpoint.invocable_endpoint import InvocableEndpoint
from sagemaker_llm.endpoint.variant import Variant
from sagemaker_llm.errors import OptionError

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from sagemaker_llm.endpoint.capture_bucket import CaptureBucket


# AWS's own list for an execution role, on the one log group.
# Source: docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html (CreateModel).
_LOG_ACTIONS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]


class GpuEndpoint(InvocableEndpoint):
    """A Marketplace model served on GPU instances, with everything that decides whether it ever becomes healthy.

    Only the endpoint has a fixed name. CloudFormation names the endpoint config, so any change makes a new config and
    updates the endpoint in place: SageMaker brings up the new fleet beside the old one (quota and cost are doubled
    meanwhile) and swaps at once, the only way it offers for Marketplace containers
    (docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html). For the same reason there are no
    options for canary, linear or rolling deployments, shadow variants, asynchronous or serverless inference.

    As soon as a variant has autoscaling, updates keep the live instance counts of all variants. Everything else is the
    template's: weights that somebody shifted by hand are set back.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        endpoint_name: at most 63 lower-case letters, digits and inner hyphens; unique in account and region.
        variants: 1 to 10 variants with different names; the first is the endpoint's main one.
        volume_key: the KMS key of the instances' storage volumes; default the key that AWS owns. Not for types with
            NVMe storage: AWS's documents disagree whether SageMaker refuses it or merely does not encrypt the NVMe with
            it, which the hardware encrypts anyway.
        volume_key_with_nvme: give the key although a type has NVMe storage; default no. The template's metadata says
            so, and the published policy rules accept it.
        data_capture: where requests and answers are captured; default nowhere.
        capture_percentage: the share of requests that is captured, 0 to 100; default 100.
        log_retention: how long container logs are kept; default one month.
        awake: the condition on which the endpoint and its scaling exist, see ``AwakeParameter``; default always. What
            costs nothing stays: models, the config, the log group.

    Attributes:
        variants: the variants given.
        awake: the condition given.
        config: the endpoint config's resource.
        log_group: the containers' log group, made here so that it has a retention (SageMaker's own would have none).
        endpoint_config_name: the template's config; compare it with DescribeEndpoint after a deployment,
            because SageMaker can fall back to the former one.

    Raises:
        OptionError: SageMaker would refuse the value.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_name: str,
        variants: Sequence[Variant],
        volume_key: kms.IKey | None = None,
        volume_key_with_nvme: bool = False,
        data_capture: CaptureBucket | None = None,
        capture_percentage: int = 100,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        awake: CfnCondition | None = None,
    ) -> None:
        super().__init__(scope, construct_id, endpoint_name=endpoint_name)
        self.variants = _checked(variants)
        self.awake = awake
        nvme = _check_volume_key(volume_key, self.variants, escape=volume_key_with_nvme)
        # A removal policy other than DESTROY would leave a group whose fixed name blocks the next deployment.
        self.log_group = logs.LogGroup(
            self,
            "LogGroup",
            log_group_name=f"/aws/sagemaker/Endpoints/{endpoint_name}",
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        capture = None
        if data_capture:
            capture = _capture(data_capture.uri(endpoint_name), data_capture.key.key_arn, capture_percentage)
        for role in dict.fromkeys(model.role for variant in self.variants for model in variant.models):
            # No grant_write: for an immutable role it would open the group to the whole account by a resource policy.
            iam.Grant.add_to_principal(grantee=role, actions=_LOG_ACTIONS, resource_arns=[self.log_group.log_group_arn])
            if data_capture:
                data_capture.grant_capture(role, endpoint_name)
            if volume_key:
                _allow_volume_key(role, volume_key)
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            production_variants=[variant.to_property() for variant in self.variants],
            kms_key_id=volume_key.key_arn if volume_key else None,
            data_capture_config=capture,
        )
        if volume_key and nvme:
            config.add_metadata("VolumeKeyWithNvme", f"on purpose, for {', '.join(nvme)}")
        self.config = config
        self.endpoint_config_name = config.attr_endpoint_config_name
        retained_counts = any(variant.autoscaling for variant in self.variants)
        # Weights and capture are the template's; counts are the autoscaler's as soon as there is one.
        excluded = ["DataCaptureConfig", "DesiredWeight", *([] if retained_counts else ["DesiredInstanceCount"])]
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=endpoint_name,
            endpoint_config_name=self.endpoint_config_name,
            retain_all_variant_properties=True,
            exclude_retained_variant_properties=[
                sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type=name) for name in excluded
            ],
        )
        # SageMaker would make the group itself, without a retention, and ours would then "already exist".
        endpoint.node.add_dependency(self.log_group)
        if retained_counts:
            self._scale(endpoint)
        if awake:
            self._exist_only_if(awake)

    @staticmethod
    def from_endpoint_name(scope: Construct, construct_id: str, endpoint_name: str) -> InvocableEndpoint:
        """Return an endpoint of another stack or team, by its name, in the stack's account and region.

        Raises:
            OptionError: SageMaker would refuse the name.

        """
        return InvocableEndpoint(scope, construct_id, endpoint_name=endpoint_name)

    def _scale(self, endpoint: sagemaker.CfnEndpoint) -> None:
        scaling = Construct(self, "Scaling")
        scaling.node.add_dependency(endpoint)
        for variant in self.variants:
            if variant.autoscaling:
                variant.autoscaling.apply(
                    scaling, variant.name, endpoint_name=self.endpoint_name, variant_name=variant.name
                )

    def _exist_only_if(self, awake: CfnCondition) -> None:
        # Outputs and parameters have the literal name: nothing refers to what may be gone.
        conditional = (sagemaker.CfnEndpoint, autoscaling.CfnScalableTarget, autoscaling.CfnScalingPolicy)
        for construct in self.node.find_all():
            if isinstance(construct, conditional):
                construct.cfn_options.condition = awake


def _checked(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    names = [variant.name for variant in variants]
    if not 1 <= len(names) <= limits.MAX_VARIANTS or len(set(names)) < len(names):
        raise OptionError(
            "variants",
            names,
            problem="are too few, too many, or have a name twice",
            allowed=f"1 to {limits.MAX_VARIANTS} variants, each with a name of its own",
        )
    apis = {model.package.api for variant in variants for model in variant.models} - {None}
    if len(apis) > 1:
        raise OptionError(
            "variants",
            sorted(str(api) for api in apis),
            problem="answer different requests",
            allowed="variants whose packages answer the same",
            remedy="make an endpoint for each",
        )
    if not any(variant.weight for variant in variants):
        raise OptionError(
            "weight", 0, problem="is the weight of every variant", allowed="above 0 for one of them at least"
        )
    return tuple(variants)


def _check_volume_key(key: kms.IKey | None, variants: Sequence[Variant], *, escape: bool) -> list[str]:
    """Return the types with NVMe storage; refuse a key for them, unless it is given on purpose."""
    nvme = sorted({gpu.name for variant in variants for gpu in variant.gpus if gpu.local_nvme})
    if key and nvme and not escape:
        raise OptionError(
            "volume_key",
            "a KMS key",
            problem=f"cannot encrypt the NVMe storage of {', '.join(nvme)}, and SageMaker may refuse it",
            allowed="no key for these types",
            remedy="leave it out, since the hardware encrypts the NVMe; or set volume_key_with_nvme to try it",
        )
    return nvme


def _allow_volume_key(role: iam.IRole, key: kms.IKey) -> None:
    """Allow grants to AWS services only. Source: docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html."""
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["kms:CreateGrant"],
            resources=[key.key_arn],
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        )
    )


def _capture(uri: str, key_arn: str, percentage: int) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
    config = sagemaker.CfnEndpointConfig
    return config.DataCaptureConfigProperty(
        enable_capture=True,
        destination_s3_uri=uri,
        kms_key_id=key_arn,
        initial_sampling_percentage=limits.check_range("capture_percentage", percentage, 0, 100, unit="percent"),
        capture_options=[config.CaptureOptionProperty(capture_mode=mode) for mode in ("Input", "Output")],
        # Without these, JSON is captured as base64.
        capture_content_type_header=config.CaptureContentTypeHeaderProperty(json_content_types=["application/json"]),
    )
