"""Cohere's published packages. The data is in ``catalog.toml``, with its sources."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

from sagemaker_llm.errors import OptionError
from sagemaker_llm.models.instance_type import InstanceType

Api: TypeAlias = Literal["generate", "chat", "chat_v2", "embed", "rerank", "summarize"]
"""What a package's container answers: which of Cohere's request bodies. ``chat`` is version 1 of the chat body."""

AmiRule: TypeAlias = Literal["required", "assumed", "optional", "refused"]
"""Whether a package needs the inference AMI version ``limits.COHERE_AMI``, probably does, may have any, or none."""


@dataclass(frozen=True)
class CatalogEntry:
    """A published package.

    Attributes:
        model: what callers of ``ModelPackage.from_catalog`` name, e.g. ``command-r-08-2024``.
        api: its API family.
        id: the package's id, the last part of its ARN.
        instance_types: the types it was seen on.
        inference_ami: whether it needs an inference AMI version.
        status: ``article``, ``legacy`` or ``current``.
        seen: when its source last showed it, ``YYYY`` or ``YYYY-MM``.
        source: who showed it.
        regions: where it exists, as far as was seen.
        context_tokens: prompt and answer together, in tokens; None when no source says so.
        listing: its page's code, behind https://aws.amazon.com/marketplace/pp/; None when it was not found.

    """

    model: str
    api: Api
    id: str
    instance_types: tuple[str, ...]
    inference_ami: AmiRule
    status: Literal["article", "legacy", "current"]
    seen: str
    source: str
    regions: tuple[str, ...]
    context_tokens: int | None = None
    listing: str | None = None

    @property
    def gpus(self) -> int:
        """Return how many GPUs the smallest type has that the package was seen on."""
        return min(InstanceType.of(name).gpus for name in self.instance_types)

    def fits(self, gpu: InstanceType) -> bool:
        """Return whether a type has the GPU of a type that the package was seen on, with the same memory, as often."""
        seen = [InstanceType.of(name) for name in self.instance_types]
        return gpu.gpus >= self.gpus and any(
            (one.accelerator, one.gpu_memory_gib) == (gpu.accelerator, gpu.gpu_memory_gib) for one in seen
        )


def find(model: str, *, instance_type: str, region: str) -> tuple[CatalogEntry, str]:
    """Return a model's package for a GPU, and its ARN in a region.

    Raises:
        OptionError: an unknown model or region, or no package of this model for this GPU.

    """
    of_model = [entry for entry in entries() if entry.model == model]
    if not of_model:
        raise _unknown("model", model, (entry.model for entry in entries()), "is not in the catalogue")
    if region not in accounts():
        raise _unknown("region", region, accounts(), "has no known package")
    gpu = InstanceType.of(instance_type)
    fitting = [entry for entry in of_model if entry.fits(gpu)]
    # A package seen on this very type goes before one that was seen on another type with this GPU.
    fitting.sort(key=lambda entry: gpu.name not in entry.instance_types)
    if not fitting:
        raise OptionError(
            "instance_type",
            gpu.name,
            problem=f"has {gpu.gpus} x {gpu.accelerator}, for which no package of {model} is known",
            allowed=", ".join(name for entry in of_model for name in entry.instance_types),
            remedy="use such a type; or give package_arn, when the listing names this type",
        )
    entry = fitting[0]
    if region not in entry.regions:
        raise _unknown("region", region, entry.regions, f"has no known package of {model}")
    return entry, f"arn:aws:sagemaker:{region}:{accounts()[region]}:model-package/{entry.id}"


def by_id(package_id: str) -> CatalogEntry | None:
    """Return the package with an id, or None when the catalogue does not know it."""
    return next((entry for entry in entries() if entry.id == package_id), None)


def _unknown(option: str, value: str, known: Iterable[str], problem: str) -> OptionError:
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(value, names, n=3)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    return OptionError(
        option,
        value,
        problem=problem,
        allowed=", ".join(names),
        remedy=f"{meant}any package can be given by package_arn",
    )


@cache
def entries() -> tuple[CatalogEntry, ...]:
    """Return every package, in the file's order."""
    return tuple(_entry(**fields) for fields in _data()["packages"])


def _entry(*, instance_types: list[str], regions: list[str] | None = None, **fields: Any) -> CatalogEntry:  # noqa: ANN401
    return CatalogEntry(instance_types=tuple(instance_types), regions=tuple(regions or accounts()), **fields)


@cache
def accounts() -> Mapping[str, str]:
    """Return the account of the packages in each region."""
    found: dict[str, str] = _data()["accounts"]
    return found


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("sagemaker_llm.models").joinpath("catalog.toml").read_text("utf-8"))
