"""AWS Marketplace language models on SageMaker GPU endpoints, as CDK constructs.

The constructs are loaded when they are first used: what is only data (packages, instance types, limits) can be read
without starting the CDK's Node process, which takes seconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from marketplace_llm.catalog import CatalogEntry
from marketplace_llm.errors import OptionError
from marketplace_llm.instance_type import InstanceType
from marketplace_llm.package import ModelPackage

if TYPE_CHECKING:
    from marketplace_llm.autoscaling import Autoscaling, ScheduledCapacity
    from marketplace_llm.capture_bucket import CaptureBucket
    from marketplace_llm.generate_proxy import GenerateProxy, RequestCaps
    from marketplace_llm.gpu_endpoint import GpuEndpoint, InvocableEndpoint
    from marketplace_llm.marketplace_model import MarketplaceModel, VpcAttachment
    from marketplace_llm.rest_access import Client
    from marketplace_llm.rest_door import RestDoor
    from marketplace_llm.variant import InstancePool, Variant

__all__ = [
    "Autoscaling",
    "CaptureBucket",
    "CatalogEntry",
    "Client",
    "GenerateProxy",
    "GpuEndpoint",
    "InstancePool",
    "InstanceType",
    "InvocableEndpoint",
    "MarketplaceModel",
    "ModelPackage",
    "OptionError",
    "RequestCaps",
    "RestDoor",
    "ScheduledCapacity",
    "Variant",
    "VpcAttachment",
]

_MODULES = {
    "Autoscaling": "autoscaling",
    "CaptureBucket": "capture_bucket",
    "Client": "rest_access",
    "GenerateProxy": "generate_proxy",
    "GpuEndpoint": "gpu_endpoint",
    "InstancePool": "variant",
    "InvocableEndpoint": "gpu_endpoint",
    "MarketplaceModel": "marketplace_model",
    "RequestCaps": "generate_proxy",
    "RestDoor": "rest_door",
    "ScheduledCapacity": "autoscaling",
    "Variant": "variant",
    "VpcAttachment": "marketplace_model",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(import_module(f"marketplace_llm.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
