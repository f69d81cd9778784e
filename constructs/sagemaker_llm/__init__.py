"""AWS Marketplace language models on SageMaker GPU endpoints, as CDK constructs.

The constructs are loaded when they are first used: what is only data (packages, instance types, limits) can be read
without starting the CDK's Node process, which takes seconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from sagemaker_llm.errors import OptionError
from sagemaker_llm.models.catalog import CatalogEntry
from sagemaker_llm.models.instance_type import InstanceType
from sagemaker_llm.models.package import ModelPackage

if TYPE_CHECKING:
    from sagemaker_llm.endpoint.autoscaling import Autoscaling, ScheduledCapacity
    from sagemaker_llm.endpoint.capture_bucket import CaptureBucket
    from sagemaker_llm.endpoint.gpu_endpoint import GpuEndpoint
    from sagemaker_llm.endpoint.invocable_endpoint import InvocableEndpoint
    from sagemaker_llm.endpoint.variant import InstancePool, Variant
    from sagemaker_llm.models.marketplace_model import MarketplaceModel, VpcAttachment
    from sagemaker_llm.operations.awake import AwakeParameter
    from sagemaker_llm.operations.power_switch import PowerSwitch
    from sagemaker_llm.operations.sleep_plan import LeaseLengths, OfficeHours, OnDemand, SleepPlan
    from sagemaker_llm.proxy.access import ApiKeyClient
    from sagemaker_llm.proxy.custom_domain import CustomDomain, HostedZone
    from sagemaker_llm.proxy.llm_proxy import LlmProxy
    from sagemaker_llm.proxy.request_limits import RequestLimits
    from sagemaker_llm.proxy.rest_api import ProxyRestApi
    from sagemaker_llm.proxy.served_endpoint import ServedEndpoint
    from sagemaker_llm.proxy.sleeping import Sleeping

__all__ = [
    "ApiKeyClient",
    "Autoscaling",
    "AwakeParameter",
    "CaptureBucket",
    "CatalogEntry",
    "CustomDomain",
    "GpuEndpoint",
    "HostedZone",
    "InstancePool",
    "InstanceType",
    "InvocableEndpoint",
    "LeaseLengths",
    "LlmProxy",
    "MarketplaceModel",
    "ModelPackage",
    "OfficeHours",
    "OnDemand",
    "OptionError",
    "PowerSwitch",
    "ProxyRestApi",
    "RequestLimits",
    "ScheduledCapacity",
    "ServedEndpoint",
    "SleepPlan",
    "Sleeping",
    "Variant",
    "VpcAttachment",
]

_MODULES = {
    "Autoscaling": "endpoint.autoscaling",
    "AwakeParameter": "operations.awake",
    "CaptureBucket": "endpoint.capture_bucket",
    "ApiKeyClient": "proxy.access",
    "CustomDomain": "proxy.custom_domain",
    "HostedZone": "proxy.custom_domain",
    "LlmProxy": "proxy.llm_proxy",
    "GpuEndpoint": "endpoint.gpu_endpoint",
    "InstancePool": "endpoint.variant",
    "InvocableEndpoint": "endpoint.invocable_endpoint",
    "LeaseLengths": "operations.sleep_plan",
    "MarketplaceModel": "models.marketplace_model",
    "OfficeHours": "operations.sleep_plan",
    "OnDemand": "operations.sleep_plan",
    "PowerSwitch": "operations.power_switch",
    "SleepPlan": "operations.sleep_plan",
    "RequestLimits": "proxy.request_limits",
    "ProxyRestApi": "proxy.rest_api",
    "ScheduledCapacity": "endpoint.autoscaling",
    "ServedEndpoint": "proxy.served_endpoint",
    "Sleeping": "proxy.sleeping",
    "Variant": "endpoint.variant",
    "VpcAttachment": "models.marketplace_model",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(import_module(f"sagemaker_llm.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
