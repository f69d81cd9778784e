"""An AWS Marketplace model package, named by its ARN."""

from __future__ import annotations

import re
from dataclasses import dataclass

from marketplace_llm.errors import OptionError

_ARN = re.compile(
    r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):(?P<account>\d{12}):model-package/"
    r"(?P<name>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})(?:/\d{1,9})?"
)
_LONGEST = 176  # botocore: VersionedArnOrName, at most 176 characters
# Cohere sells Command R and R+ once for each GPU: the id says which. Source: facts of Cohere's notebooks, 2024-2025.
_GPU_IN_NAME = re.compile(r"-(?P<gpu>a100|h100)-")
_FAMILIES = {"a100": ("p4de",), "h100": ("p5",)}


@dataclass(frozen=True)
class ModelPackage:
    """A versioned model package, of any seller.

    Attributes:
        arn: the ARN.
        region: the region in it; a package can be used in its own region only.
        account: the account in it, which AWS Marketplace owns.
        name: the package's id, e.g. ``cohere-gpt-medium-v1-5-15e34931a06235b7bac32dca396a970a``.

    """

    arn: str
    region: str
    account: str
    name: str

    @classmethod
    def from_arn(cls, arn: str) -> ModelPackage:
        """Return the package with an ARN, as the subscription's Configure page shows it.

        Raises:
            OptionError: it is not the ARN of a model package.

        """
        match = _ARN.fullmatch(arn) if len(arn) <= _LONGEST else None
        if match:
            return cls(arn, match["region"], match["account"], match["name"])
        raise OptionError(
            "package_arn",
            arn,
            problem="is not the ARN of a model package",
            allowed="arn:aws:sagemaker:<region>:<account, 12 digits>:model-package/<name>",
            remedy="copy the Product ARN from the subscription's Configure page in AWS Marketplace",
        )

    def check(self, *, region: str | None = None, instance_type: str | None = None) -> None:
        """Refuse a region or an instance type that SageMaker would refuse for this package.

        Args:
            region: where it shall be deployed; default not checked.
            instance_type: what it shall run on; default not checked.

        Raises:
            OptionError: the package is of another region, or made for another GPU.

        """
        if region not in (None, self.region):
            raise OptionError(
                "package_arn",
                self.arn,
                problem=f"is of region {self.region}, but the environment is in {region}",
                allowed=f"a package of {region}",
                remedy=f"choose {region} on the subscription's Configure page and copy its ARN",
            )
        gpu = _GPU_IN_NAME.search(self.name)
        if instance_type and gpu and instance_type.split(".")[1] not in _FAMILIES[gpu["gpu"]]:
            families = ", ".join(f"ml.{family}.*" for family in _FAMILIES[gpu["gpu"]])
            raise OptionError(
                "instance_type",
                instance_type,
                problem=f"does not fit the package {self.name}, which is made for {gpu['gpu'].upper()}",
                allowed=families,
                remedy="use such a type, or the package for this one",
            )
