"""A production variant: a model on GPU instances, and its share of the traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args

from aws_cdk import Duration
from aws_cdk import aws_sagemaker as sagemaker

from sagemaker_llm import limits
from sagemaker_llm.durations import in_seconds, seconds
from sagemaker_llm.endpoint.autoscaling import Autoscaling
from sagemaker_llm.errors import OptionError
from sagemaker_llm.limits import TIMEOUT_DEFAULT_SECONDS, VARIANT_NAME, RoutingStrategy, check_pattern, check_range
from sagemaker_llm.models.instance_type import InstanceType
from sagemaker_llm.models.marketplace_model import MarketplaceModel


@dataclass(frozen=True)
class InstancePool:
    """One of the GPU types that a variant may get, in the order of preference.

    Attributes:
        instance_type: a GPU type, e.g. ``ml.p5.48xlarge``.
        model: the model for this type, where the package depends on the GPU; default the variant's.

    """

    instance_type: str
    model: MarketplaceModel | None = None


@dataclass(frozen=True)
class Variant:
    """A production variant. Give ``instance_type``, or ``pools``.

    Attributes:
        model: what is served.
        instance_type: a GPU type, e.g. ``ml.g5.xlarge``.
        pools: up to five GPU types by priority: when the first has no capacity, SageMaker takes the next.
        name: at most 63 letters, digits and inner hyphens; default ``AllTraffic``.
        weight: its share of the traffic, in proportion to the other variants' weights; default 1; 0 for none, so that
            only requests which name it as target variant reach it.
        instance_count: instances of a new endpoint, 1 or more; default 1. Without autoscaling, at all times; with it,
            not above its most, and the autoscaler takes over at once.
        autoscaling: bounds and target; default none.
        inference_ami_version: the host image, which decides the GPU driver; default what the package needs, see
            ``ModelPackage.ami_for``.
        model_download_timeout: how long the download of the weights may take, 60 to 3600 s; default 2400 s, as in
            Cohere's own client.
        container_startup_timeout: how long the container may take to become healthy, 60 to 3600 s; default 2400 s.
        instance_provision_timeout: how long to wait for instances, 300 to 3600 s; default SageMaker's own.
        routing_strategy: default least outstanding requests, since generations differ widely in length and the
            service's own default (random) queues short ones behind long ones.
        volume_size_gb: 1 to 512 GB; default SageMaker's own. Only for types without NVMe storage of their own.
        capacity_reservation_arn: launch only into this reservation; default none. Not together with pools.

    Raises:
        OptionError: a value that SageMaker would refuse.

    """

    model: MarketplaceModel
    instance_type: str | None = None
    pools: Sequence[InstancePool] = ()
    name: str = VARIANT_NAME
    weight: float = 1
    instance_count: int = 1
    autoscaling: Autoscaling | None = None
    inference_ami_version: str | None = None
    model_download_timeout: Duration = field(default_factory=lambda: seconds(TIMEOUT_DEFAULT_SECONDS))
    container_startup_timeout: Duration = field(default_factory=lambda: seconds(TIMEOUT_DEFAULT_SECONDS))
    instance_provision_timeout: Duration | None = None
    routing_strategy: RoutingStrategy = "LEAST_OUTSTANDING_REQUESTS"
    volume_size_gb: int | None = None
    capacity_reservation_arn: str | None = None

    def __post_init__(self) -> None:
        self._check_types()
        allowed = f"1 to {limits.VARIANT_NAME_LENGTH} letters, digits and inner hyphens"
        check_pattern("name", self.name, limits.VARIANT_NAME_PATTERN, allowed, length=limits.VARIANT_NAME_LENGTH)
        check_range("weight", self.weight, 0, float("inf"))
        limits.check_instance_count("instance_count", self.instance_count)
        if self.autoscaling:
            most = self.autoscaling.max_instances
            check_range("instance_count", self.instance_count, 1, most, remedy="raise autoscaling's max_instances")
        _ = self.ami  # refuses a version that does not fit
        for option in ("model_download_timeout", "container_startup_timeout"):
            check_range(option, in_seconds(getattr(self, option)), *limits.TIMEOUT_SECONDS, unit="seconds")
        if self.instance_provision_timeout:
            provision = in_seconds(self.instance_provision_timeout)
            check_range("instance_provision_timeout", provision, *limits.PROVISION_SECONDS, unit="seconds")
        if self.routing_strategy not in get_args(RoutingStrategy):
            known = ", ".join(get_args(RoutingStrategy))
            raise OptionError("routing_strategy", self.routing_strategy, problem="is not offered", allowed=known)
        self._check_volume()
        self._check_reservation()

    @property
    def gpus(self) -> tuple[InstanceType, ...]:
        """Return the GPU types it may run on, by priority."""
        return tuple(InstanceType.of(name) for name in self._type_names())

    @property
    def models(self) -> tuple[MarketplaceModel, ...]:
        """Return every model it may serve, each once."""
        return tuple(dict.fromkeys([self.model, *(pool.model for pool in self.pools if pool.model)]))

    @property
    def ami(self) -> str | None:
        """Return the inference AMI version that all its packages start with; None for SageMaker's own."""
        versions = {model.package.ami_for(self.inference_ami_version) for model in self.models}
        if len(versions) > 1:
            raise OptionError(
                "inference_ami_version",
                self.inference_ami_version,
                problem="does not fit every pool's package, and a variant has one for all",
                allowed="packages with the same need",
                remedy="make variants of them, or give a version that all take",
            )
        return versions.pop()

    def _type_names(self) -> Sequence[str]:
        return [pool.instance_type for pool in self.pools] if self.pools else [self.instance_type or ""]

    def _check_types(self) -> None:
        names = self._type_names()
        limits.check_one_of("instance_type", self.instance_type, "pools", self.pools)
        if len(names) > limits.MAX_POOLS or len(set(names)) < len(names):
            raise OptionError(
                "pools", names, problem="are too many or name a type twice", allowed="1 to 5 different GPU types"
            )
        for pool in self.pools or [InstancePool(self.instance_type or "")]:
            (pool.model or self.model).package.check(instance_type=InstanceType.of(pool.instance_type).name)

    def _check_volume(self) -> None:
        if self.volume_size_gb is None:
            return
        check_range("volume_size_gb", self.volume_size_gb, *limits.VOLUME_GB, unit="GB")
        with_nvme = [gpu.name for gpu in self.gpus if gpu.local_nvme]
        if with_nvme:
            raise OptionError(
                "volume_size_gb",
                self.volume_size_gb,
                problem=f"is not for {', '.join(with_nvme)}, which have storage of their own of a fixed size",
                allowed="no volume size for it",
                remedy="leave it out",
            )

    def _check_reservation(self) -> None:
        arn = self.capacity_reservation_arn
        if arn is None:
            return
        check_pattern("capacity_reservation_arn", arn, limits.RESERVATION_ARN_PATTERN, "a SageMaker reservation's ARN")
        if self.pools:
            raise OptionError(
                "capacity_reservation_arn",
                arn,
                problem="is of one instance type, but there are pools of several",
                allowed="a reservation or pools",
            )

    def to_property(self) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        """Return it as the endpoint config's template property."""
        config = sagemaker.CfnEndpointConfig
        arn = self.capacity_reservation_arn
        reservation = arn and config.CapacityReservationConfigProperty(
            capacity_reservation_preference="capacity-reservations-only", ml_reservation_arn=arn
        )
        pools = [
            config.InstancePoolProperty(
                instance_type=pool.instance_type,
                priority=priority,
                model_name_override=pool.model.model_name if pool.model not in (None, self.model) else None,
            )
            for priority, pool in enumerate(self.pools, start=1)
        ]
        provision = self.instance_provision_timeout
        return config.ProductionVariantProperty(
            variant_name=self.name,
            model_name=self.model.model_name,
            instance_type=self.instance_type,
            instance_pools=pools or None,
            initial_instance_count=self.instance_count,
            initial_variant_weight=self.weight,
            inference_ami_version=self.ami,
            model_data_download_timeout_in_seconds=in_seconds(self.model_download_timeout),
            container_startup_health_check_timeout_in_seconds=in_seconds(self.container_startup_timeout),
            variant_instance_provision_timeout_in_seconds=in_seconds(provision) if provision else None,
            routing_config=config.RoutingConfigProperty(routing_strategy=self.routing_strategy),
            volume_size_in_gb=self.volume_size_gb,
            capacity_reservation_config=reservation or None,
        )
