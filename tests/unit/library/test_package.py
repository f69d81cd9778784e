"""Model packages by ARN, of any seller; refused where SageMaker would refuse them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_llm import ModelPackage, OptionError

ARTICLE = (
    "arn:aws:sagemaker:us-east-1:865070037744:model-package/cohere-gpt-medium-v1-5-15e34931a06235b7bac32dca396a970a"
)
COMMAND_R_A100 = (
    "arn:aws:sagemaker:us-east-1:865070037744:model-package/"
    "cohere-command-r-082024-a100-v-9ac67955e522300798f0e575227dafec"
)
COMMAND_R_H100 = (
    "arn:aws:sagemaker:us-east-1:865070037744:model-package/"
    "cohere-command-r-082024-h100-v-22c12c090adf3a7082b269914f5ff481"
)


@pytest.mark.parametrize("name", ["p5", "ml.p5", "ml.m5.xlarge", ""])
def test_what_is_no_gpu_type_says_so_before_the_package_is_asked(name: str) -> None:
    package = ModelPackage.from_arn(COMMAND_R_H100)
    if not name:
        package.check(instance_type=name)
        return
    with pytest.raises(OptionError, match=f"^instance_type: '{name}' is no"):
        package.check(instance_type=name)


def test_the_articles_package() -> None:
    package = ModelPackage.from_arn(ARTICLE)
    assert (package.region, package.account) == ("us-east-1", "865070037744")
    assert package.name == "cohere-gpt-medium-v1-5-15e34931a06235b7bac32dca396a970a"
    package.check(region="us-east-1", instance_type="ml.g5.xlarge")


@given(
    st.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,30}", fullmatch=True),
    st.from_regex(r"[0-9]{12}", fullmatch=True),
    st.sampled_from(["us-east-1", "eu-central-1", "ap-southeast-2", "us-gov-west-1"]),
)
def test_any_sellers_package(name: str, account: str, region: str) -> None:
    package = ModelPackage.from_arn(f"arn:aws:sagemaker:{region}:{account}:model-package/{name}")
    assert (package.name, package.account, package.region) == (name, account, region)


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "cohere-gpt-medium",
        ARTICLE.replace("model-package", "model"),
        ARTICLE.replace("865070037744", "86507003774"),
        ARTICLE.replace("us-east-1", "useast1"),
        ARTICLE + "\n",
        ARTICLE + "x" * 64,
        ARTICLE.replace("sagemaker", "bedrock"),
    ],
)
def test_what_is_no_package(arn: str) -> None:
    with pytest.raises(OptionError, match="is not the ARN of a model package") as caught:
        ModelPackage.from_arn(arn)
    assert "Configure page" in str(caught.value)


def test_a_package_of_another_region() -> None:
    with pytest.raises(OptionError, match="is of region us-east-1, but the environment is in eu-west-1"):
        ModelPackage.from_arn(ARTICLE).check(region="eu-west-1")


def test_a_package_for_another_gpu() -> None:
    package = ModelPackage.from_arn(COMMAND_R_A100)
    package.check(instance_type="ml.p4de.24xlarge")
    with pytest.raises(OptionError, match=r"made for another GPU; allowed: ml\.p4de\.\*"):
        package.check(instance_type="ml.p5.48xlarge")


def test_what_the_catalogue_knows_of_an_arn_and_what_the_caller_says_instead() -> None:
    known = ModelPackage.from_arn(COMMAND_R_A100)
    assert (known.api, known.inference_ami) == ("chat", "required")
    given = ModelPackage.from_arn(COMMAND_R_A100, api="generate", inference_ami="optional")
    assert (given.api, given.inference_ami, given.ami_for(None)) == ("generate", "optional", None)
    unknown = ModelPackage.from_arn(ARTICLE.replace("cohere", "other"))
    assert (unknown.api, unknown.inference_ami) == (None, "optional")
