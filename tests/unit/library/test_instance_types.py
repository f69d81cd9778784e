"""GPU types as data: complete against the SDK's own list, and refused with the way out."""

import botocore.session
import pytest
from botocore.model import StringShape

from sagemaker_llm import InstanceType, OptionError
from sagemaker_llm.models.instance_type import instance_types


def test_every_gpu_type_of_the_sdk_is_here() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.shape_for("ProductionVariantInstanceType")
    assert isinstance(shape, StringShape)
    listed = set(shape.enum)
    gpu = {name for name in listed if name.split(".")[1][0] in "gp"}
    assert gpu == set(instance_types())


def test_what_follows_from_a_type() -> None:
    found = InstanceType.of("ml.g5.xlarge")
    assert (found.family, found.accelerator, found.gpus, found.gpu_memory_gib) == ("g5", "NVIDIA A10G", 1, 24)
    assert (found.local_nvme, found.price_usd_per_hour, found.quota_code) == (True, 1.408, "L-1928E07B")


def test_prices_and_quotas_are_of_types_that_exist() -> None:
    types = instance_types().values()
    assert sum(one.price_usd_per_hour is not None for one in types) == 16
    assert sum(one.quota_code is not None for one in types) == 13
    assert all(one.price_usd_per_hour is None or 0 < one.price_usd_per_hour < 200 for one in types)


@pytest.mark.parametrize("name", ["ml.m5.xlarge", "ml.g5.xlrge", "g5.xlarge", "ml.inf2.xlarge", "", "ml.g5"])
def test_another_type_is_refused(name: str) -> None:
    with pytest.raises(OptionError) as caught:
        InstanceType.of(name)
    assert repr(name) in str(caught.value)
    assert "is no GPU type" in str(caught.value)
    assert "g4dn, g5, g6" in str(caught.value)


def test_near_types_are_named() -> None:
    with pytest.raises(OptionError, match=r"did you mean ml\.g5\.xlarge"):
        InstanceType.of("ml.g5.xlrge")
