"""SageMaker's GPU instance types and what follows from them. The data is in ``instances.toml``."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from sagemaker_llm.errors import OptionError


@dataclass(frozen=True)
class InstanceType:
    """A GPU instance type for real-time endpoints.

    Attributes:
        name: e.g. ``ml.g5.xlarge``.
        accelerator: the GPU, e.g. ``NVIDIA A10G``.
        gpus: how many of them.
        gpu_memory_gib: memory of one of them, in GiB; None when no source was read.
        local_nvme: whether the instance carries NVMe storage, which a KMS key of the endpoint config does not encrypt.
        price_usd_per_hour: the dated list price of one instance in us-east-1, without software; None when not known.
        quota_code: of the quota "<name> for endpoint usage"; None when not known.

    """

    name: str
    accelerator: str
    gpus: int
    gpu_memory_gib: int | None
    local_nvme: bool
    price_usd_per_hour: float | None
    quota_code: str | None

    @property
    def family(self) -> str:
        """Return the family, e.g. ``g5``."""
        return self.name.split(".")[1]

    @classmethod
    def of(cls, name: str) -> InstanceType:
        """Return a GPU type by its name.

        Raises:
            OptionError: it is no GPU type that SageMaker has for endpoints.

        """
        types = instance_types()
        if name in types:
            return types[name]
        near = difflib.get_close_matches(name, types, n=3)
        families = ", ".join(dict.fromkeys(one.family for one in types.values()))
        raise OptionError(
            "instance_type",
            name,
            problem="is no GPU type that SageMaker has for endpoints",
            allowed=f"sizes of the families {families}, e.g. ml.g5.xlarge",
            remedy=f"did you mean {' or '.join(near)}?" if near else "use one that the model's listing names",
        )


@dataclass(frozen=True)
class PriceOrigin:
    """Where the prices come from, and when they held.

    Attributes:
        seen: the day they were read, or the first of the month.
        region: the one region in which they hold.
        source: the page to look them up at.

    """

    seen: date
    region: str
    source: str


@cache
def price_origin() -> PriceOrigin:
    """Return the origin of every ``price_usd_per_hour``."""
    prices = _data()["prices"]
    return PriceOrigin(seen=prices["seen"], region=prices["region"], source=prices["source"])


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Return every GPU type by its name."""
    data = _data()
    prices, quota_codes = data["prices"]["usd_per_hour"], data["quota_codes"]
    return {
        (name := f"ml.{family}.{size}"): InstanceType(
            name=name,
            accelerator=traits["accelerator"],
            gpus=gpus,
            gpu_memory_gib=traits.get("gpu_memory_gib"),
            local_nvme=traits["local_nvme"],
            price_usd_per_hour=prices.get(name),
            quota_code=quota_codes.get(name),
        )
        for family, traits in data["families"].items()
        for size, gpus in traits["gpus"].items()
    }


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("sagemaker_llm.models").joinpath("instances.toml").read_text("utf-8"))
