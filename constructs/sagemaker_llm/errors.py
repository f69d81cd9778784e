"""The one error that this library raises for a value that AWS would refuse, or that cannot work."""

from __future__ import annotations

from typing import Final

_DOCS: Final = "docs.aws.amazon.com/sagemaker/latest"
_TEMPLATES: Final = "docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-sagemaker"
_VARIANT: Final = f"{_DOCS}/APIReference/API_ProductionVariant.html"
_CONFIG: Final = f"{_DOCS}/APIReference/API_CreateEndpointConfig.html"
_SCALING: Final = f"{_DOCS}/dg/endpoint-auto-scaling.html"
_MARKETPLACE: Final = f"{_DOCS}/dg/sagemaker-mkt-find-subscribe.html"

PAGES: Final = {
    "api": _MARKETPLACE,
    "capacity_reservation_arn": f"{_TEMPLATES}-endpointconfig-capacityreservationconfig.html",
    "capture_percentage": f"{_DOCS}/APIReference/API_DataCaptureConfig.html",
    "container_startup_timeout": _VARIANT,
    "endpoint_name": f"{_DOCS}/APIReference/API_CreateEndpoint.html",
    "generate_timeout": f"{_DOCS}/APIReference/API_runtime_InvokeEndpoint.html",
    "inference_ami_version": _VARIANT,
    "instance_count": _VARIANT,
    "instance_provision_timeout": _VARIANT,
    "instance_type": _VARIANT,
    "max_instances": _SCALING,
    "metric": _SCALING,
    "min_instances": f"{_DOCS}/dg/endpoint-auto-scaling-zero-instances.html",
    "model": _MARKETPLACE,
    "model_download_timeout": _VARIANT,
    "name": _VARIANT,
    "package_arn": _MARKETPLACE,
    "pools": f"{_TEMPLATES}-endpointconfig-instancepool.html",
    "region": _MARKETPLACE,
    "routing_strategy": f"{_DOCS}/APIReference/API_ProductionVariantRoutingConfig.html",
    "scale_in_cooldown": _SCALING,
    "scale_out_cooldown": _SCALING,
    "schedule": f"{_DOCS}/dg/endpoint-auto-scaling-add-console.html",
    "schedules": _SCALING,
    "security_group_ids": f"{_DOCS}/dg/host-vpc.html",
    "stream_timeout": f"{_DOCS}/APIReference/API_runtime_InvokeEndpointWithResponseStream.html",
    "subnet_ids": f"{_DOCS}/dg/host-vpc.html",
    "target": _SCALING,
    "timezone": f"{_DOCS}/dg/endpoint-auto-scaling-add-console.html",
    "variants": _CONFIG,
    "volume_key": _CONFIG,
    "volume_size_gb": f"{_DOCS}/dg/host-instance-storage.html",
    "weight": _VARIANT,
}
"""The page of AWS that says why, by the last part of an option's name."""


class OptionError(ValueError):
    """A value given to this library is wrong; says which, what is allowed, what to do, and where AWS says so.

    Attributes:
        option: the name of the option as the caller wrote it, e.g. ``instance_type``.
        value: what was given.
        problem: what is wrong with it.
        allowed: what is allowed instead.
        remedy: what to do; empty when nothing else than what is allowed.
        source: the page of AWS that says why; empty when it is no rule of AWS.
        within: what of the caller's own configuration it is about, set by whoever knows; empty otherwise.

    """

    within = ""

    def __init__(self, option: str, value: object, *, problem: str, allowed: str, remedy: str = "") -> None:
        self.option = option
        self.value = value
        self.problem = problem
        self.allowed = allowed
        self.remedy = remedy
        self.source = PAGES.get(option.rpartition(".")[2], "")
        super().__init__(f"{option}: {self.sentence}")

    @property
    def sentence(self) -> str:
        """Return all but the option's name, in one line."""
        parts = [f"{self.value!r} {self.problem}", f"allowed: {self.allowed}", self.remedy]
        if self.source:
            parts.append(f"see {self.source}")
        return "; ".join(filter(None, parts))
