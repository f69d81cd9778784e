"""The APIs of packages, as the settings of an environment name them."""

import pytest

from local_aws.runner.journey import ENVIRONMENT, declared_apis
from stacks.settings import Settings, read

ARN = "arn:aws:sagemaker:us-east-1:865070037744:model-package/acme-llm-1-0a1b2c3d4e5f60718293a4b5c6d7e8f9"


@pytest.mark.parametrize("api", ["chat", "chat_v2"])
def test_the_settings_name_the_api_of_an_unknown_package(api: str) -> None:
    settings = Settings.model_validate(
        {
            "region": "us-east-1",
            "model": {"package_arn": ARN, "api": api},
            "endpoint": {"name": "acme", "instance_type": "ml.g5.xlarge"},
        }
    )
    assert declared_apis(settings) == {ARN.rpartition("/")[2]: api}


def test_the_catalogue_names_the_others() -> None:
    assert declared_apis(read(ENVIRONMENT)) == {}
