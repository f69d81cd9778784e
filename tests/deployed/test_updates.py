"""Updates: callers notice nothing, and a change by hand is corrected."""

import pytest

from tests.support.cloud import ANSWERED, ORIGINAL, Deployed, Stacks, callers, edit_by_hand, state
from tests.support.templates import Content, changed

LIGHT = {
    "model": {"catalog": "command-light-16"},
    "endpoint.instance_type": "ml.g5.2xlarge",
    "endpoint.instance_count": 2,
    "endpoint.routing_strategy": "RANDOM",
}
ANOTHER_HANDLER = f"""
from proxy.{ORIGINAL} import handler as original


def handler(event, context):
    response = original(event, context)
    return {{**response, "body": response["body"].replace('"ok"', '"another"')}}
"""


def test_an_update_corrects_a_change_by_hand_and_callers_notice_nothing(
    deployed: Deployed, local: Stacks, content: Content
) -> None:
    before = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")
    edit_by_hand(deployed)
    with callers(deployed.proxy) as results:
        local.deploy(changed(content, LIGHT), "endpoint")
    after = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")
    config = deployed.sagemaker.describe_endpoint_config(EndpointConfigName=after["EndpointConfigName"])
    configs = deployed.sagemaker.list_endpoint_configs(NameContains="cohere-local")["EndpointConfigs"]
    models = deployed.sagemaker.list_models(NameContains="cohere-local")["Models"]
    assert set(results) == {ANSWERED}
    # The endpoint is the same one, on the template's config, and nothing piles up.
    assert after["CreationTime"] == before["CreationTime"]
    (variant,) = config["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.g5.2xlarge", 2)
    assert (len(configs), len(models)) == (1, 1)
    assert state(deployed)[::2] == ("InService", "UPDATE_COMPLETE")


def test_another_version_of_the_code_and_callers_notice_nothing(
    deployed: Deployed, local: Stacks, content: Content
) -> None:
    with callers(deployed.proxy) as results:
        local.deploy(content, "proxy", files={"proxy/handler.py": ANOTHER_HANDLER})
    assert set(results) == {ANSWERED}
    assert deployed.proxy.get("/healthz") == (200, {"status": "another"})


@pytest.mark.parametrize("stack", ["endpoint", "proxy"])
def test_the_template_is_the_clis(deployed: Deployed, local: Stacks, content: Content, stack: str) -> None:
    """What these tests give to CloudFormation is what `cdk deploy` gave to it: nothing is left to update."""
    local.deploy(content)
    before = deployed.cloudformation.describe_stacks(StackName=local.name(stack))["Stacks"][0].get("LastUpdatedTime")
    local.deploy(content, stack)
    after = deployed.cloudformation.describe_stacks(StackName=local.name(stack))["Stacks"][0].get("LastUpdatedTime")
    assert before == after
