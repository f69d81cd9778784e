"""Updates: callers notice nothing, and what was changed by hand is seen and mended."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import App, Deployed, callers, state


@pytest.fixture
def edited_by_hand(deployed: Deployed) -> Iterator[str]:
    """The endpoint on a config that is not the template's."""
    sagemaker = deployed.sagemaker
    _, config, _ = state(deployed)
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    by_hand: Any = {**variant, "InitialInstanceCount": 2}
    sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=[by_hand])
    sagemaker.update_endpoint(EndpointName="cohere-local", EndpointConfigName="by-hand")
    wait: Any = {"Delay": 1, "MaxAttempts": 9}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="cohere-local", WaiterConfig=wait)
    yield "by-hand"
    sagemaker.delete_endpoint_config(EndpointConfigName="by-hand")


def test_a_hand_edit_is_seen_an_update_mends_it_and_callers_notice_nothing(
    deployed: Deployed, app: App, edited_by_hand: str
) -> None:
    before = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")
    drift = app.cdk("drift")
    assert "AWS::SageMaker::Endpoint" in drift
    assert edited_by_hand in drift

    original = json.loads(json.dumps(app.content))
    app.content["model"] = {"catalog": "command-light-16"}
    app.content["endpoint"].update(instance_type="ml.g5.2xlarge", instance_count=2, routing_strategy="RANDOM")
    try:
        with callers(deployed.proxy) as told:
            app.deploy()
        after = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")
        config = deployed.sagemaker.describe_endpoint_config(EndpointConfigName=after["EndpointConfigName"])
        configs = deployed.sagemaker.list_endpoint_configs(NameContains="cohere-local")["EndpointConfigs"]
        models = deployed.sagemaker.list_models(NameContains="cohere-local")["Models"]
    finally:
        app.content = original
        app.deploy()
    assert set(told) == {"answered"}
    assert len(told) > 20
    # The endpoint is the same one, on the config that was asked for, and nothing piles up.
    assert after["CreationTime"] == before["CreationTime"]
    (variant,) = config["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.g5.2xlarge", 2)
    assert (len(configs), len(models)) == (1, 1)
    assert state(deployed)[::2] == ("InService", "UPDATE_COMPLETE")


def test_another_version_of_the_proxys_code_and_callers_notice_nothing(deployed: Deployed, app: App) -> None:
    handler = app.root / "lambda" / "generate" / "handler.py"
    handler.write_text(handler.read_text("utf-8").replace('"status": "ok"', '"status": "well"'), "utf-8")
    with callers(deployed.proxy) as told:
        app.deploy("proxy")
    assert set(told) == {"answered"}
    assert deployed.proxy.get("/healthz") == (200, {"status": "well"})
