"""Alarms as deployed: metrics drive one until it fires and clears, and the composite pages once."""

import pytest

from stacks.settings import ENVIRONMENTS
from tests.support.cloud import Deployed, Stacks
from tests.support.templates import changed, content_of
from tests.support.watched import Watched

VARIANT = {"EndpointName": "cohere-local", "VariantName": "AllTraffic"}


@pytest.fixture(scope="module")
def watched(deployed: Deployed) -> Watched:
    content = changed(content_of(ENVIRONMENTS / "local.yaml"), {"alarms": {"email": "operations@example.com"}})
    Stacks("local").deploy(content, "endpoint", "proxy", "operations")
    return Watched(deployed, "cohere-local-alarms")


def test_the_composite_pages_once_and_says_when_it_is_over(watched: Watched) -> None:
    watched.settled()
    bad = {"Invocations": [1.0] * 4, "InvocationModelErrors": [1.0] * 2, "ModelLatency": [50e6] * 4}
    watched.put("AWS/SageMaker", VARIANT, bad)
    names = {"cohere-local", "cohere-local-model-errors", "cohere-local-latency"}
    assert watched.settled_alarming() == names
    assert watched.pages() == [("cohere-local", "ALARM")]
    watched.put("AWS/SageMaker", VARIANT, {**bad, "InvocationModelErrors": [0.0], "ModelLatency": [1e6]})
    assert watched.settled_alarming() == set()
    assert watched.pages() == [("cohere-local", "OK")]


def test_the_second_deployment_changes_nothing_and_the_stack_can_be_deleted(watched: Watched) -> None:
    """CloudWatch refuses to delete an alarm that the composite names: the composite goes first."""
    stacks = Stacks("local")
    content = changed(content_of(ENVIRONMENTS / "local.yaml"), {"alarms": {"email": "operations@example.com"}})
    before = watched.states()
    stacks.deploy(content, "endpoint", "proxy", "operations")
    assert watched.settled() == before
    stacks.destroy("operations")
    assert set(watched.states()) == {"cohere-local-no-instance"}
