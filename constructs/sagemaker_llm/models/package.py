"""An AWS Marketplace model package, named by its ARN or found in the catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sagemaker_llm.errors import OptionError
from sagemaker_llm.limits import COHERE_AMI, check_inference_ami
from sagemaker_llm.models import catalog
from sagemaker_llm.models.catalog import AmiRule, Api, CatalogEntry
from sagemaker_llm.models.instance_type import InstanceType

_ARN = re.compile(
    r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):(?P<account>\d{12}):model-package/"
    r"(?P<name>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})(?:/\d{1,9})?"
)
_LONGEST = 176  # botocore: VersionedArnOrName, at most 176 characters
# Cohere sells Command R and R+ once for each GPU: the id says which. An id is cut to 63 characters, so the end of
# "a100" or "h100" may be missing; the catalogue knows those. Source: Cohere's notebooks, 2024-2025.
_GPU_IN_NAME = re.compile(r"-(?P<gpu>a100|h100)-")
_FAMILIES = {"a100": ("p4de",), "h100": ("p5",)}
_HASH = re.compile(r"-[0-9a-f]{32}$")
_COHERE = "cohere-"


@dataclass(frozen=True)
class ModelPackage:
    """A versioned model package, of any seller.

    Attributes:
        arn: the ARN.
        region: the region in it; a package can be used in its own region only.
        account: the account in it, which AWS Marketplace owns.
        name: the package's id, e.g. ``cohere-gpt-medium-v1-5-15e34931a06235b7bac32dca396a970a``.
        api: what its container answers; None when neither the caller nor the catalogue says so.
        inference_ami: whether it needs an inference AMI version.
        gpus: how many GPUs an instance must have; 1 when nobody says so.
        notice: what was assumed about it, for whoever deploys it; empty when nothing.

    """

    arn: str
    region: str
    account: str
    name: str
    api: Api | None = None
    inference_ami: AmiRule = "optional"
    gpus: int = 1
    notice: str = ""

    @classmethod
    def from_arn(
        cls, arn: str, *, api: Api | None = None, inference_ami: AmiRule | None = None, gpus: int | None = None
    ) -> ModelPackage:
        """Return the package with an ARN, as the subscription's Configure page shows it.

        Args:
            arn: the ARN, of any seller and any region.
            api: what its container answers; default what the catalogue says of it, else unknown.
            inference_ami: whether it needs an inference AMI version; default what the catalogue says. A package of
                Cohere's that the catalogue does not know (ids change every few months) is assumed to need it.
            gpus: how many GPUs an instance must have; default as many as the types in the catalogue have, of this
                package or of another version of it, else 1.

        Raises:
            OptionError: it is not the ARN of a model package.

        """
        match = _ARN.fullmatch(arn) if len(arn) <= _LONGEST else None
        if not match:
            raise OptionError(
                "package_arn",
                arn,
                problem="is not the ARN of a model package",
                allowed="arn:aws:sagemaker:<region>:<account, 12 digits>:model-package/<name>",
                remedy="copy the Product ARN from the subscription's Configure page in AWS Marketplace",
            )
        name = match["name"]
        known = catalog.by_id(name)
        rule = inference_ami or (known.inference_ami if known else None)
        notice = ""
        if rule is None:
            rule = "assumed" if name.startswith(_COHERE) else "optional"
        if rule == "assumed":
            notice = (
                f"the catalogue does not know the package {name}: it is deployed with the inference AMI version "
                f"{COHERE_AMI}, which Cohere requires for its current packages; inference_ami_version sets another"
            )
        return cls(
            arn=arn,
            region=match["region"],
            account=match["account"],
            name=name,
            api=api or (known.api if known else None),
            inference_ami=rule,
            gpus=gpus or min((entry.gpus for entry in _versions_of(name)), default=1),
            notice=notice,
        )

    @classmethod
    def from_catalog(cls, model: str, instance_type: str, region: str) -> ModelPackage:
        """Return one of Cohere's published packages.

        Args:
            model: e.g. ``command-r-08-2024``; ``endpointctl models`` lists them.
            instance_type: what it shall run on: some models have a package for each GPU.
            region: where.

        Raises:
            OptionError: an unknown model, type or region, or no package of this model for this GPU.

        """
        _, arn = catalog.find(model, instance_type=instance_type, region=region)
        return cls.from_arn(arn)

    def check(self, *, region: str | None = None, instance_type: str | None = None) -> None:
        """Refuse a region or an instance type that SageMaker would refuse for this package.

        Args:
            region: where it shall be deployed; default not checked.
            instance_type: what it shall run on; default not checked.

        Raises:
            OptionError: the package is of another region, or made for another GPU or for more GPUs.

        """
        if region not in (None, self.region):
            raise OptionError(
                "package_arn",
                self.arn,
                problem=f"is of region {self.region}, but the environment is in {region}",
                allowed=f"a package of {region}",
                remedy=f"choose {region} on the subscription's Configure page and copy its ARN",
            )
        if not instance_type:
            return
        gpu, families = InstanceType.of(instance_type), self._gpu_families()
        if families and gpu.family not in families:
            raise OptionError(
                "instance_type",
                instance_type,
                problem=f"does not fit the package {self.name}, which is made for another GPU",
                allowed=", ".join(f"ml.{family}.*" for family in families),
                remedy="use such a type, or the package for this one",
            )
        if gpu.gpus < self.gpus:
            raise OptionError(
                "instance_type",
                instance_type,
                problem=f"has fewer GPUs than the package {self.name} was ever seen on",
                allowed=f"a type with {self.gpus} GPUs or more",
                remedy="use such a type; when the listing names this one, correct the catalogue",
            )

    def ami_for(self, version: str | None) -> str | None:
        """Return the inference AMI version to deploy it with; None leaves the choice to SageMaker.

        Cohere: "For any Cohere software version after 1.0.5 (or model version after 3.0.5), InferenceAmiVersion=
        al2-ami-sagemaker-inference-gpu-2 must be specified" (docs.cohere.com, "Amazon SageMaker Setup Guide"). Without
        it the container never becomes healthy.

        Args:
            version: the version that the user names; None for none.

        Raises:
            OptionError: SageMaker has no such version, or the package does not start with it.

        """
        if version is None:
            return COHERE_AMI if self.inference_ami in ("required", "assumed") else None
        allowed = {"required": COHERE_AMI, "refused": "none"}.get(self.inference_ami)
        if allowed not in (None, version):
            raise OptionError(
                "inference_ami_version",
                version,
                problem=f"does not fit the package {self.name}",
                allowed=allowed,
                remedy="leave it out to get what the package needs",
            )
        return check_inference_ami(version)

    def _gpu_families(self) -> tuple[str, ...]:
        in_name = _GPU_IN_NAME.search(self.name)
        if in_name:
            return _FAMILIES[in_name["gpu"]]
        known = catalog.by_id(self.name)
        seen = {InstanceType.of(name).family for name in known.instance_types} if known else set[str]()
        # Of the others, what else they run on is the listing's to say.
        return tuple(family for families in _FAMILIES.values() for family in families if family in seen)


def _versions_of(name: str) -> list[CatalogEntry]:
    """Return the catalogue's entry of a package, or those of other versions of it: only the hash at the end differs."""
    known = catalog.by_id(name)
    if known:
        return [known]
    stem = _HASH.sub("", name)
    return [entry for entry in catalog.entries() if stem != name and _HASH.sub("", entry.id) == stem]
