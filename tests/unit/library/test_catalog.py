"""The catalogue's shape, and what it finds."""

import re
from typing import get_args

import pytest

from sagemaker_llm import InstanceType, ModelPackage, OptionError
from sagemaker_llm.models import catalog

LISTED = {entry.id: entry for entry in catalog.entries()}


def test_every_entry_has_its_shape() -> None:
    assert len(LISTED) == len(catalog.entries()) == 35
    for entry in catalog.entries():
        assert re.fullmatch(r"cohere-[a-z0-9-]+-[0-9a-f]{32}", entry.id), entry.id
        assert len(entry.id) <= 63
        assert re.fullmatch(r"[a-z0-9.-]+", entry.model)
        assert entry.api in get_args(catalog.Api)
        assert entry.inference_ami in ("required", "optional", "refused")
        assert entry.status in ("article", "legacy", "current")
        assert entry.source in ("notebooks", "aws-samples", "third party")
        assert re.fullmatch(r"20\d\d(-\d\d)?", entry.seen)
        assert entry.listing is None or re.fullmatch(r"prodview-[a-z0-9]{13}", entry.listing)
        assert set(entry.regions) <= set(catalog.accounts())
        assert entry.instance_types
        for name in entry.instance_types:
            InstanceType.of(name)


def test_the_regions() -> None:
    assert len(catalog.accounts()) == len(set(catalog.accounts().values())) == 16
    assert all(re.fullmatch(r"\d{12}", account) for account in catalog.accounts().values())
    assert catalog.accounts()["eu-west-1"] == "985815980388"


def test_one_of_them_is_the_articles() -> None:
    assert [entry.model for entry in catalog.entries() if entry.status == "article"] == ["medium-1.5"]


@pytest.mark.parametrize("entry", catalog.entries(), ids=lambda entry: entry.id[:40])
def test_every_package_is_found_and_fits(entry: catalog.CatalogEntry) -> None:
    for instance_type in entry.instance_types:
        package = ModelPackage.from_catalog(entry.model, instance_type, entry.regions[0])
        assert (package.name, package.api, package.region) == (entry.id, entry.api, entry.regions[0])
        package.check(region=entry.regions[0], instance_type=instance_type)


def test_the_gpu_decides_the_package() -> None:
    a100 = ModelPackage.from_catalog("command-r-plus-08-2024", "ml.p4de.24xlarge", "us-east-1")
    h100 = ModelPackage.from_catalog("command-r-plus-08-2024", "ml.p5.48xlarge", "us-east-1")
    assert (a100.name[:35], h100.name[:35]) == (
        "cohere-command-r-plus-082024-a-013f",
        "cohere-command-r-plus-082024-h-517c",
    )


def test_another_size_with_the_same_gpu_is_taken() -> None:
    assert ModelPackage.from_catalog("embed-v4", "ml.g5.2xlarge", "us-east-1").name.startswith("cohere-embed-v4-1")
    assert ModelPackage.from_catalog("embed-v4", "ml.g6.2xlarge", "us-east-1").name.startswith("cohere-embed-v5-0")


@pytest.mark.parametrize(
    ("model", "instance_type", "region", "message"),
    [
        ("command-r-082024", "ml.p5.48xlarge", "us-east-1", r"^model: .*did you mean command-r-08-2024 or"),
        ("gpt", "ml.p5.48xlarge", "us-east-1", r"^model: 'gpt' is not in the catalogue; allowed: medium-1\.1, "),
        ("command-r-08-2024", "ml.p5.48xlarge", "eu-wst-1", r"^region: .*did you mean eu-west-1 "),
        (
            "command-r-08-2024",
            "ml.p4d.24xlarge",
            "us-east-1",
            r"^instance_type: .*allowed: ml\.p4de\.24xlarge, ml\.p5\.",
        ),
        ("command-r-08-2024", "ml.p6.48xlarge", "us-east-1", r"^instance_type: .*is no GPU type"),
        ("rerank-v4-pro", "ml.g5.xlarge", "eu-west-1", r"^region: .*allowed: us-east-1; "),
    ],
)
def test_what_is_not_known(model: str, instance_type: str, region: str, message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        ModelPackage.from_catalog(model, instance_type, region)
    assert caught.value.remedy
