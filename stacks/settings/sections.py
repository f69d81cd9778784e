"""The sections of an environment file, with what SageMaker and Lambda allow of each value by itself.

What depends on several values (a type and its package, a key and NVMe storage) is refused by the constructs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from sagemaker_llm import InstanceType, ModelPackage, OptionError, limits
from sagemaker_llm.limits import InferenceAmi, RoutingStrategy
from sagemaker_llm.models import catalog
from sagemaker_llm.models.catalog import Api
from stacks.settings.autoscaling_section import Autoscaling
from stacks.settings.section import Count, RetentionDays, Section
from stacks.settings.sleep_section import Sleep

Timeout = Annotated[int, Field(ge=limits.TIMEOUT_SECONDS[0], le=limits.TIMEOUT_SECONDS[1])]
PackageArn = Annotated[str, AfterValidator(lambda arn: ModelPackage.from_arn(arn).arn)]
GpuType = Annotated[str, AfterValidator(lambda name: InstanceType.of(name).name)]
VariantName = Annotated[str, Field(pattern=f"^{limits.VARIANT_NAME_PATTERN}$", max_length=limits.VARIANT_NAME_LENGTH)]
_SETTINGS = "see docs/settings.md"


class Model(Section):
    """The model: a package of your subscription by its ARN, or one of Cohere's published ones by its name."""

    package_arn: PackageArn | None = Field(
        default=None,
        description="The ARN of the AWS Marketplace model package, of the environment's region. "
        "Source: the subscription's Configure page.",
    )
    catalog: str | None = Field(
        default=None,
        description="Instead of package_arn: a model of the catalogue, e.g. command-r-08-2024; "
        "`endpointctl models` lists them.",
    )
    api: Api | None = Field(
        default=None,
        description="What the package's container answers. Default: what the catalogue says of the package.",
    )
    software_price_per_hour: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="What the seller charges for one instance and hour, in USD, for `make plan`; the listing's page "
        "states it. Default: unknown, and the plan says so.",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        limits.check_one_of("package_arn", self.package_arn, "catalog", self.catalog, remedy=_SETTINGS)
        if self.catalog and self.api:
            raise OptionError(
                "api", self.api, problem="is known for a model of the catalogue", allowed="api only with package_arn"
            )
        return self

    def of_package(self, arn: str) -> Model:
        """Return another package that answers the same: what this one's ``api`` says, or its entry in the catalogue."""
        known = next((entry.api for entry in catalog.entries() if entry.model == self.catalog), None)
        return Model(package_arn=arn, api=self.api or known, software_price_per_hour=self.software_price_per_hour)

    def package(self, instance_type: str, region: str) -> ModelPackage:
        """Return the package for a GPU type in a region.

        Raises:
            OptionError: there is none, or it does not fit.

        """
        if self.package_arn:
            package = ModelPackage.from_arn(self.package_arn, api=self.api)
        else:
            package = ModelPackage.from_catalog(self.catalog or "", instance_type, region)
        package.check(region=region, instance_type=instance_type)
        return package


class Pool(Section):
    """One of the GPU types that a variant may get, in the order of preference."""

    instance_type: GpuType = Field(description="A SageMaker GPU type, e.g. ml.p5.48xlarge.")
    package_arn: PackageArn | None = Field(
        default=None, description="The package for this type, where it depends on the GPU. Default: the model's."
    )


class Variant(Section):
    """A model on GPU instances, and its share of the traffic."""

    instance_type: GpuType | None = Field(default=None, description="A SageMaker GPU type, e.g. ml.g5.xlarge.")
    instance_pools: tuple[Pool, ...] = Field(
        default=(),
        strict=False,
        max_length=limits.MAX_POOLS,
        description="Instead of instance_type: up to five GPU types by priority, the next when one has no capacity.",
    )
    instance_count: Count = Field(
        default=1, description="Instances at all times; with autoscaling, of a new endpoint only."
    )
    autoscaling: Autoscaling | None = Field(default=None, description="Default: none.")
    weight: float = Field(default=1, ge=0, description="The share of the traffic, in proportion to other variants'.")
    inference_ami_version: InferenceAmi | None = Field(
        default=None,
        description="The host image, which decides the GPU driver. Default: what the package needs, by the catalogue; "
        "an unknown package of Cohere's gets al2-ami-sagemaker-inference-gpu-2, which Cohere requires for model "
        "versions after 3.0.5.",
    )
    model_download_timeout_seconds: Timeout = Field(
        default=limits.TIMEOUT_DEFAULT_SECONDS, description="How long the weights may take."
    )
    container_startup_timeout_seconds: Timeout = Field(
        default=limits.TIMEOUT_DEFAULT_SECONDS, description="How long the container may take to become healthy."
    )
    instance_provision_timeout_seconds: int | None = Field(
        default=None,
        ge=limits.PROVISION_SECONDS[0],
        le=limits.PROVISION_SECONDS[1],
        description="How long to wait for instances. Default: SageMaker's own.",
    )
    routing_strategy: RoutingStrategy = Field(
        default="LEAST_OUTSTANDING_REQUESTS", description="How requests find an instance."
    )
    volume_size_gb: int | None = Field(
        default=None,
        ge=limits.VOLUME_GB[0],
        le=limits.VOLUME_GB[1],
        description="The storage volume's size, for types without NVMe storage. Default: SageMaker's own.",
    )
    capacity_reservation_arn: str | None = Field(
        default=None,
        pattern=f"^{limits.RESERVATION_ARN_PATTERN}$",
        description="Launch only into this SageMaker capacity reservation. Default: none.",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        limits.check_one_of(
            "instance_type", self.instance_type, "instance_pools", self.instance_pools, remedy=_SETTINGS
        )
        return self

    @property
    def max_instances_ever(self) -> int:
        """Return the most instances at any time."""
        return self.autoscaling.max_instances_ever if self.autoscaling else self.instance_count

    def types_and_models(self, model: Model) -> list[tuple[str, Model]]:
        """Return each GPU type that it may get, by priority, with the model for it.

        Args:
            model: the variant's; a pool may have its own package.

        """
        if self.instance_type:
            return [(self.instance_type, model)]
        return [
            (pool.instance_type, model.of_package(pool.package_arn) if pool.package_arn else model)
            for pool in self.instance_pools
        ]


class AnotherVariant(Variant):
    """A further variant, with its own model."""

    model: Model


class Vpc(Section):
    """The network interfaces of the instances."""

    subnet_ids: tuple[str, ...] = Field(strict=False, min_length=1, max_length=16, description="Subnets of one VPC.")
    security_group_ids: tuple[str, ...] = Field(
        strict=False, min_length=1, max_length=5, description="Of the same VPC."
    )


class DataCapture(Section):
    """Requests and answers in clear text, in a bucket of their own."""

    percentage: int = Field(default=100, ge=0, le=100, description="The share of requests that is captured.")
    retention_days: int = Field(default=30, ge=1, description="How long what was captured is kept.")


class Endpoint(Variant):
    """The endpoint."""

    name: str = Field(
        pattern=limits.ENDPOINT_NAME_PATTERN,
        max_length=limits.ENDPOINT_NAME_LENGTH,
        description="The endpoint's name: lower-case letters, digits and inner hyphens, unique in account and region.",
    )
    more_variants: Mapping[VariantName, AnotherVariant] = Field(
        default_factory=dict, description="Further variants by name, beside AllTraffic. Default: none."
    )
    volume_key_arn: str | None = Field(
        default=None,
        pattern=f"^{limits.KEY_ARN_PATTERN}$",
        description="The KMS key of the storage volumes, for types without NVMe storage. Default: AWS's own.",
    )
    volume_key_with_nvme: bool = Field(
        default=False, description="Set the key although a type has NVMe storage; SageMaker may refuse it."
    )
    vpc: Vpc | None = Field(default=None, description="Default: none.")
    data_capture: DataCapture | None = Field(default=None, description="Default: none.")
    execution_role_arn: str | None = Field(
        default=None,
        pattern=f"^{limits.ROLE_ARN_PATTERN}$",
        description="An execution role from outside, to which nothing is added. Default: one of its own.",
    )
    log_retention_days: RetentionDays = Field(default=30, description="How long container logs are kept.")
    sleep: Sleep | None = Field(default=None, description="Default: none; it always exists.")

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        more = {f"endpoint.more_variants.{name}": one for name, one in self.more_variants.items()}
        variants: dict[str, Variant] = {"endpoint": self, **more}
        for path, variant in variants.items():
            if self.sleep and variant.autoscaling and variant.autoscaling.schedules:
                raise OptionError(
                    "sleep",
                    f"with {path}.autoscaling.schedules",
                    problem="has two clocks for one fleet",
                    allowed="one of endpoint.sleep and autoscaling.schedules",
                    remedy="leave the schedules out; min_instances and max_instances stay",
                )
        return self
