"""Each alarm fires and clears, the composite pages once, and a sleeping endpoint is no incident."""

import json
from typing import Any

import boto3
import pytest

from endpointctl.failure import Failure
from local_aws.conditions import Fault
from power import handler as power
from stacks.settings import ENVIRONMENTS
from tests.support.cloud import Deployed, StackFailed, Stacks, edit_by_hand, policy
from tests.support.power import published
from tests.support.templates import Content, changed, content_of, templates_of
from tests.support.watched import Watched

PREFIX = "cohere-local"
VARIANT = {"EndpointName": PREFIX, "VariantName": "AllTraffic"}
ENVIRONMENT = {"Environment": "local"}
API = {"ApiName": "cohere-local-proxy", "Stage": "live"}
ALARMS = {"email": "operations@example.com"}


def _function() -> str:
    return str(boto3.client("ssm").get_parameter(Name="/cohere/local/generate-function")["Parameter"]["Value"])


def _content() -> Content:
    rest = {"account_log_role": True}
    return changed(content_of(ENVIRONMENTS / "local.yaml"), {"alarms": ALARMS, "proxy.rest_api": rest})


@pytest.fixture(scope="module")
def stacks(deployed: Deployed) -> Stacks:
    found = Stacks("local")
    found.deploy(_content(), "endpoint", "proxy", "operations")
    return found


@pytest.fixture(scope="module")
def watched(deployed: Deployed, stacks: Stacks) -> Watched:
    return Watched(deployed, "cohere-local-alarms")


@pytest.fixture(autouse=True)
def calm(watched: Watched) -> None:
    """Begin each test with alarms that have been evaluated, and nothing said."""
    watched.change(faults=())
    watched.move(60)
    watched.settled()
    watched.told()


CASES: list[tuple[str, str, dict[str, str], dict[str, list[float]], dict[str, list[float]]]] = [
    ("model-errors", "AWS/SageMaker", VARIANT, {"InvocationModelErrors": [1]}, {"InvocationModelErrors": [0]}),
    ("service-errors", "AWS/SageMaker", VARIANT, {"Invocation5XXErrors": [1]}, {"Invocation5XXErrors": [0]}),
    ("latency", "AWS/SageMaker", VARIANT, {"ModelLatency": [22e6]}, {"ModelLatency": [21e6]}),
    (
        "saturation",
        "AWS/SageMaker",
        VARIANT,
        {"ConcurrentRequestsPerModel": [99]},
        {"ConcurrentRequestsPerModel": [1, 5]},
    ),
    ("proxy-errors", "CohereProxy", ENVIRONMENT, {"ServerErrors": [1]}, {"ServerErrors": [0]}),
    ("proxy-throttles", "CohereProxy", ENVIRONMENT, {"Throttles": [1]}, {"Throttles": [0]}),
    ("proxy-ends", "AWS/Lambda", {}, {"Errors": [1]}, {"Errors": [0]}),
    ("proxy-concurrency", "AWS/Lambda", {}, {"Throttles": [3]}, {"Throttles": [0]}),
    ("api-errors", "AWS/ApiGateway", API, {"5XXError": [1]}, {"5XXError": [0]}),
    ("api-latency", "AWS/ApiGateway", API, {"Latency": [22_000]}, {"Latency": [21_000]}),
]
REQUESTS = {"AWS/SageMaker": "Invocations", "CohereProxy": "Requests", "AWS/ApiGateway": "Count"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_each_alarm_fires_and_clears_and_pages_once(watched: Watched, case: Any) -> None:
    name, namespace, dimensions, bad, good = case
    dimensions = dimensions or {"FunctionName": _function()}
    requests = {REQUESTS[namespace]: [1.0] * 9} if namespace in REQUESTS else {}
    watched.put(namespace, dimensions, {**requests, **bad})
    assert watched.settled_alarming() == {PREFIX, f"{PREFIX}-{name}"}
    watched.put(namespace, dimensions, {**requests, **bad})
    assert watched.settled_alarming() == {PREFIX, f"{PREFIX}-{name}"}
    watched.put(namespace, dimensions, {**requests, **good})
    assert watched.settled_alarming() == set()
    assert watched.pages() == [(PREFIX, "ALARM"), (PREFIX, "OK")]


def test_two_alarms_page_once(watched: Watched) -> None:
    values = {"Invocations": [1.0] * 9, "Invocation5XXErrors": [1.0], "ModelLatency": [50e6]}
    watched.put("AWS/SageMaker", VARIANT, values)
    assert watched.settled_alarming() == {PREFIX, f"{PREFIX}-service-errors", f"{PREFIX}-latency"}
    assert watched.pages() == [(PREFIX, "ALARM")]


def test_few_requests_and_one_bad_period_are_no_alarm(watched: Watched) -> None:
    watched.put("AWS/SageMaker", VARIANT, {"Invocations": [1.0], "InvocationModelErrors": [1.0]}, minutes=4)
    assert watched.settled_alarming() == set()
    watched.move(60)
    many = {"Invocations": [1.0] * 9, "InvocationModelErrors": [1.0] * 9}
    watched.put("AWS/SageMaker", VARIANT, many, minutes=2)
    assert watched.settled_alarming() == set()


def test_failures_of_real_requests_fire(watched: Watched, stacks: Stacks) -> None:
    """Nothing but requests: the model fails, the function logs, and CloudWatch reads its lines."""
    client = stacks.client()
    for _ in range(2):
        watched.change(faults=(Fault("ModelError500"),))
        watched.begin_minute()
        for _ in range(6):
            with pytest.raises(Failure):
                client.generate(prompt="hello", max_tokens=1)
        watched.move(5)
    expected = {PREFIX, f"{PREFIX}-proxy-errors", f"{PREFIX}-model-errors"}
    assert expected <= watched.settled_alarming()


def test_requests_are_counted_by_route_variant_and_environment(watched: Watched, stacks: Stacks) -> None:
    stacks.client().generate(prompt="hello", max_tokens=1)
    found = boto3.client("cloudwatch").list_metrics(Namespace="CohereProxy", MetricName="Requests")["Metrics"]
    sets = [{one["Name"]: one["Value"] for one in metric["Dimensions"]} for metric in found]
    assert {"Environment": "local", "Route": "generate"} in sets
    assert {"Endpoint": PREFIX, "Variant": "AllTraffic"} in sets
    assert ENVIRONMENT in sets
    assert {"Environment": "local", "Client": "workstation"} in sets


def test_an_endpoint_that_somebody_deleted_pages(watched: Watched, deployed: Deployed, stacks: Stacks) -> None:
    watched.move(1)
    assert watched.settled()[f"{PREFIX}-no-instance"] == "OK"
    deployed.sagemaker.delete_endpoint(EndpointName=PREFIX)
    watched.until(lambda: PREFIX not in str(deployed.sagemaker.list_endpoints()["Endpoints"]))
    watched.move(8)
    assert watched.settled_alarming() == set()
    watched.move(5)
    assert watched.settled_alarming() == {f"{PREFIX}-no-instance"}
    assert watched.pages() == [(f"{PREFIX}-no-instance", "ALARM")]
    stacks.destroy("endpoint")
    stacks.deploy(_content(), "endpoint")


def _turn(stacks: Stacks, awake: str) -> None:
    """Change the parameter of the switch, as the switch does."""
    cloudformation: Any = boto3.client("cloudformation")
    name = stacks.name("endpoint")
    parameters = [
        {"ParameterKey": "Awake", "ParameterValue": awake},
        {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True},
    ]
    options = {"UsePreviousTemplate": True, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    cloudformation.update_stack(StackName=name, Parameters=parameters, **options)
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def test_a_sleeping_endpoint_is_no_incident_and_a_waking_one_warms_up(watched: Watched, stacks: Stacks) -> None:
    content = changed(_content(), {"endpoint.sleep": {"idle_minutes": 60}})
    stacks.give(published(templates_of(content, "local")), "endpoint", "operations")
    _turn(stacks, "false")
    assert f"{PREFIX}-no-instance" not in watched.states()
    for _ in range(3):
        watched.move(60)
        assert watched.settled_alarming() == set()
    # Callers who find it asleep get 503, which is no failure of anybody.
    watched.put("CohereProxy", {"Endpoint": PREFIX}, {"Asleep": [1.0] * 9})
    watched.put("AWS/ApiGateway", API, {"Count": [1.0] * 9, "5XXError": [1.0] * 9}, ago=16)
    watched.move(1)
    assert watched.settled_alarming() == set()
    # But a wake-up that fails is one: once, by the metric that the switch writes.
    assert watched.told() == []
    for metric, name in (("WakeFailures", "wake-failures"), ("SleepFailures", "sleep-failures")):
        watched.put(power.NAMESPACE, {power.DIMENSION: "local"}, {metric: [1.0]}, minutes=2)
        assert f"{PREFIX}-{name}" in watched.settled_alarming()
    assert watched.settled_alarming() <= {PREFIX, f"{PREFIX}-wake-failures", f"{PREFIX}-sleep-failures"}
    watched.move(60)
    assert watched.settled_alarming() == set()
    assert watched.pages() == [(PREFIX, "ALARM"), (PREFIX, "OK")]
    _turn(stacks, "true")
    assert watched.settled()[f"{PREFIX}-no-instance"] == "INSUFFICIENT_DATA"
    for _ in range(11):
        watched.move(1)
        watched.settled()
    assert watched.states()[f"{PREFIX}-no-instance"] == "OK"
    assert watched.told() == []
    stacks.deploy(_content(), "endpoint", "operations")


def test_the_rule_of_the_stack(watched: Watched, stacks: Stacks) -> None:
    """A change that AWS has no capacity for is rolled back, and that is told; SageMaker's fallback may be, too."""
    watched.change(capacity={"ml.g5.2xlarge": 0})
    with pytest.raises(StackFailed):
        stacks.deploy(changed(_content(), {"endpoint.instance_type": "ml.g5.2xlarge"}), "endpoint")
    found: list[str] = []

    def is_told() -> bool:
        found.extend(one["detail"]["status-details"]["status"] for one in watched.told() if _is_of_a_stack(one))
        return bool(found)

    watched.until(is_told)
    assert found == ["UPDATE_ROLLBACK_COMPLETE"]
    watched.change(capacity={})


def _is_of_a_stack(message: dict[str, Any]) -> bool:
    return bool(message.get("detail-type") == "CloudFormation Stack Status Change")


def test_a_config_by_hand_is_told_and_a_deployment_is_not(watched: Watched, deployed: Deployed, stacks: Stacks) -> None:
    stacks.deploy(changed(_content(), {"endpoint.routing_strategy": "RANDOM"}), "endpoint")
    watched.settled()
    assert watched.told() == []
    edit_by_hand(deployed)
    found: list[Any] = []

    def is_told() -> bool:
        found.extend(watched.told())
        return bool(found)

    watched.until(is_told)
    assert [one["detail"]["EndpointConfigName"] for one in found] == ["by-hand"]
    assert found[0]["detail-type"] == "SageMaker Endpoint State Change"


def _topic_policy(service: str, account: str) -> dict[str, Any]:
    condition = {"StringEquals": {"aws:SourceAccount": account}}
    return {"Effect": "Allow", "Action": "sns:Publish", "Principal": {"Service": service}, "Condition": condition}


@pytest.mark.parametrize(
    ("service", "account", "told"),
    [("cloudwatch.amazonaws.com", "111122223333", True), ("cloudwatch.amazonaws.com", "222233334444", False)],
    ids=["its own account", "another account"],
)
def test_who_may_publish(watched: Watched, service: str, account: str, told: bool) -> None:
    sns: Any = boto3.client("sns")
    (arn,) = [one["TopicArn"] for one in sns.list_topics()["Topics"] if one["TopicArn"].endswith(f"{PREFIX}-alarms")]
    before = sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
    statement = {**_topic_policy(service, account), "Resource": arn}
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy(statement))
    watched.put("AWS/SageMaker", VARIANT, {"ModelLatency": [50e6]})
    assert watched.settled_alarming() == {PREFIX, f"{PREFIX}-latency"}
    assert watched.pages() == ([(PREFIX, "ALARM")] if told else [])
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=before)


def test_without_the_key_nobody_is_told(watched: Watched, stacks: Stacks) -> None:
    """A condition on the account for EventBridge, and no permission for CloudWatch: each loses its messages."""
    kms: Any = boto3.client("kms")
    key = boto3.client("sns").get_topic_attributes(TopicArn=f"arn:aws:sns:us-east-1:111122223333:{PREFIX}-alarms")
    name = key["Attributes"]["KmsMasterKeyId"]
    before = kms.get_key_policy(KeyId=name, PolicyName="default")["Policy"]
    document = json.loads(before)
    statements = [one for one in document["Statement"] if "Service" not in one["Principal"]]
    kms.put_key_policy(KeyId=name, PolicyName="default", Policy=policy(*statements))
    watched.put("AWS/SageMaker", VARIANT, {"ModelLatency": [50e6]})
    assert watched.settled_alarming() == {PREFIX, f"{PREFIX}-latency"}
    assert watched.pages() == []
    kms.put_key_policy(KeyId=name, PolicyName="default", Policy=before)
