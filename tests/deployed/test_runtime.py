"""The runtime: streams, limits, the concurrency of a variant, the metrics in CloudWatch, and autoscaling."""

import concurrent.futures
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from local_aws.conditions import Conditions, Fault, set_conditions
from local_aws.faults import FAULTS, FaultKind
from tests.support.cloud import Deployed

VARIANT = "endpoint/cohere-local/variant/AllTraffic"
SCALED: Any = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": VARIANT,
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def client() -> Any:
    return boto3.client("sagemaker-runtime", config=Config(retries={"total_max_attempts": 1}, max_pool_connections=50))


def invoke(**fields: Any) -> Any:
    body = json.dumps({"prompt": "a", "max_tokens": 1, **fields})
    return client().invoke_endpoint(EndpointName="cohere-local", ContentType="application/json", Body=body)


def stream(**fields: Any) -> Any:
    body = json.dumps({"prompt": "a", "max_tokens": 9, "stream": True, **fields})
    return client().invoke_endpoint_with_response_stream(
        EndpointName="cohere-local", ContentType="application/json", Body=body
    )


def response(caught: pytest.ExceptionInfo[ClientError]) -> dict[str, Any]:
    return dict(caught.value.response)


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(response(caught)["Error"]["Code"])


# Streams


def test_a_stream_of_real_frames(deployed: Deployed) -> None:
    answer = stream()
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("application/json", "AllTraffic")
    parts = [event["PayloadPart"]["Bytes"] for event in answer["Body"]]
    *tokens, last = [json.loads(line) for line in b"".join(parts).splitlines()]
    assert len(parts) > len(tokens) == 9
    assert "".join(token["text"] for token in tokens) == last["response"]["generations"][0]["text"]


def of_stage(stage: str) -> list[FaultKind]:
    return [kind for kind in FAULTS.values() if kind.stage == stage]


@pytest.mark.parametrize("kind", of_stage("in_stream"), ids=lambda kind: kind.name)
def test_a_stream_that_breaks(deployed: Deployed, account: Callable[[Conditions], None], kind: FaultKind) -> None:
    account(Conditions(faults=(Fault(kind.name, times=1),)))
    events = iter(stream()["Body"])
    assert next(events)["PayloadPart"]["Bytes"]
    with pytest.raises(EventStreamError) as caught:
        next(events)
    assert code(caught) == kind.code
    assert invoke()["InvokedProductionVariant"] == "AllTraffic", "a whole answer is not affected"


@pytest.mark.parametrize("kind", of_stage("before_model"), ids=lambda kind: kind.name)
def test_an_error_of_the_runtime(deployed: Deployed, account: Callable[[Conditions], None], kind: FaultKind) -> None:
    account(Conditions(faults=(Fault(kind.name, times=1),)))
    with pytest.raises(ClientError) as caught:
        invoke()
    assert (code(caught), response(caught)["ResponseMetadata"]["HTTPStatusCode"]) == (kind.code, kind.status)


@pytest.mark.parametrize("kind", of_stage("in_model"), ids=lambda kind: kind.name)
def test_an_error_of_the_container(deployed: Deployed, account: Callable[[Conditions], None], kind: FaultKind) -> None:
    limit = 0.2 if kind.seconds else 60.0
    account(Conditions(faults=(Fault(kind.name, times=1),), response_limit_seconds=limit))
    with pytest.raises(ClientError) as caught:
        invoke()
    assert (code(caught), response(caught)["OriginalStatusCode"]) == ("ModelError", kind.status)


def test_what_is_wrong_before_the_first_frame_is_an_ordinary_error(deployed: Deployed) -> None:
    with pytest.raises(ClientError) as caught:
        stream(prompt="")
    assert code(caught) == "ModelError"
    assert response(caught)["OriginalStatusCode"] == 400


@pytest.mark.parametrize(
    ("conditions", "error_code"),
    [
        (Conditions(faults=(Fault("ModelError500", times=1),)), "ModelError"),
        (Conditions(faults=(Fault("ThrottlingException", times=1),)), "ThrottlingException"),
        (Conditions(concurrency=0, queue=0), "ThrottlingException"),
        (Conditions(answer_seconds=9, response_limit_seconds=0.2), "ModelError"),
    ],
)
def test_a_fault_before_the_first_frame_is_one_too(
    deployed: Deployed, account: Callable[[Conditions], None], conditions: Conditions, error_code: str
) -> None:
    account(conditions)
    with pytest.raises(ClientError) as caught:
        stream()
    assert code(caught) == error_code
    account(Conditions())
    assert len(list(stream()["Body"])) > 9


def test_a_stream_needs_both_permissions(deployed: Deployed) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="streamer")
    key = iam.create_access_key(UserName="streamer")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    both = ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"]
    request: Any = {"EndpointName": "cohere-local", "ContentType": "application/json", "Body": b'{"prompt": "a"}'}

    def streamed(actions: list[str]) -> int:
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="streamer", PolicyName="p", PolicyDocument=document)
        answer = session.client("sagemaker-runtime").invoke_endpoint_with_response_stream(**request)
        return len(list(answer["Body"]))

    try:
        for one in both:
            with pytest.raises(ClientError, match="not authorized"):
                streamed([one])
        assert streamed(both) == 1
    finally:
        iam.delete_access_key(UserName="streamer", AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName="streamer", PolicyName="p")
        iam.delete_user(UserName="streamer")


# Packages that the catalogue does not know


UNKNOWN = "arn:aws:sagemaker:us-east-1:865070037744:model-package/acme-llm-1-0a1b2c3d4e5f60718293a4b5c6d7e8f9"


@pytest.fixture
def unknown(deployed: Deployed) -> Iterator[str]:
    """An endpoint of a package that the catalogue does not know."""
    sagemaker = deployed.sagemaker
    roles = boto3.client("iam").list_roles()["Roles"]
    sagemaker.create_model(
        ModelName="unknown",
        ExecutionRoleArn=next(role["Arn"] for role in roles if "ExecutionRole" in role["RoleName"]),
        EnableNetworkIsolation=True,
        PrimaryContainer={"ModelPackageName": UNKNOWN},
    )
    variant: Any = {"VariantName": "A", "ModelName": "unknown", "InstanceType": "ml.g5.xlarge"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="unknown", ProductionVariants=[variant | {"InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName="unknown", EndpointConfigName="unknown")
    wait: Any = {"Delay": 1, "MaxAttempts": 20}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="unknown", WaiterConfig=wait)
    yield "unknown"
    sagemaker.delete_endpoint(EndpointName="unknown")
    sagemaker.delete_endpoint_config(EndpointConfigName="unknown")
    sagemaker.delete_model(ModelName="unknown")


def test_the_conditions_name_the_api_of_an_unknown_package(
    deployed: Deployed, account: Callable[[Conditions], None], unknown: str
) -> None:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        content = json.dumps({**body, "max_tokens": 2})
        found = client().invoke_endpoint(EndpointName=unknown, ContentType="application/json", Body=content)
        return dict(json.load(found["Body"]))

    assert set(answer({"prompt": "a"})) == {"id", "generations", "prompt"}
    account(Conditions(apis={"acme-llm": "chat"}))
    assert answer({"message": "a"})["chat_history"][0] == {"role": "USER", "message": "a"}
    account(Conditions())
    # The runner writes this file when it deploys an environment that names the API; the conditions have priority.
    set_conditions(Conditions(apis={"acme-llm": "rerank"}), deployed.cloud.declared_apis)
    assert set(answer({"query": "a", "documents": ["a"]})) == {"id", "results", "meta"}
    account(Conditions(apis={"acme-llm": "chat"}))
    assert answer({"message": "a"})["finish_reason"] == "MAX_TOKENS"
    assert invoke()["InvokedProductionVariant"] == "AllTraffic", "other packages keep their API"


# Limits


def test_the_runtime_stops_waiting_after_its_limit(deployed: Deployed, account: Callable[[Conditions], None]) -> None:
    account(Conditions(answer_seconds=9, response_limit_seconds=0.2))
    started = time.monotonic()
    with pytest.raises(ClientError) as caught:
        invoke()
    assert time.monotonic() - started < 5
    assert response(caught)["OriginalStatusCode"] == 0
    assert "timed out while waiting for a response from container" in response(caught)["OriginalMessage"]


def test_a_body_may_not_be_larger_than_the_models_limit(deployed: Deployed) -> None:
    with pytest.raises(ClientError, match="Body is too long: at most 6291456 bytes"):
        invoke(prompt="x" * 6_291_456)


def test_a_variant_runs_requests_then_queues_them_then_throttles(
    deployed: Deployed, account: Callable[[Conditions], None]
) -> None:
    account(Conditions(concurrency=2, queue=2, answer_seconds=1))
    runtime = client()

    def call(_: int) -> tuple[str, float]:
        started = time.monotonic()
        try:
            runtime.invoke_endpoint(
                EndpointName="cohere-local", ContentType="application/json", Body=b'{"prompt": "a"}'
            )
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return f"{status} {error.response['Error']['Code']}", time.monotonic() - started
        return "answered", time.monotonic() - started

    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        found = sorted(threads.map(call, range(6)), key=lambda one: one[1])
    assert [one[0] for one in found] == ["400 ThrottlingException"] * 2 + ["answered"] * 4
    # Two had to wait for two others.
    assert all(seconds >= 1 for _, seconds in found[2:4])
    assert all(seconds >= 1.5 for _, seconds in found[4:])
    account(Conditions())
    assert invoke()["InvokedProductionVariant"] == "AllTraffic"


# CloudWatch


def statistic(name: str, statistic: Any) -> float:
    found = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=name,
        Dimensions=[
            {"Name": "EndpointName", "Value": "cohere-local"},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        StartTime=datetime.now(UTC) - timedelta(minutes=10),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=3600,
        Statistics=[statistic],
    )
    return float(sum(point[statistic] for point in found["Datapoints"]))


def test_the_metrics_of_an_endpoint(deployed: Deployed, account: Callable[[Conditions], None]) -> None:
    names = ("Invocations", "InvocationsPerInstance", "Invocation4XXErrors", "Invocation5XXErrors")
    before = [statistic(name, "Sum") for name in (*names, "InvocationModelErrors")]
    invoke()
    with pytest.raises(ClientError):
        invoke(prompt="")
    account(Conditions(faults=(Fault("ModelError500", times=1),)))
    with pytest.raises(ClientError):
        invoke()
    account(Conditions(answer_seconds=0.4))
    invoke()
    after = [statistic(name, "Sum") for name in (*names, "InvocationModelErrors")]
    assert [b - a for a, b in zip(before, after, strict=True)] == [4, 4, 1, 1, 2]
    # In microseconds, as on AWS.
    assert 400_000 <= statistic("ModelLatency", "Maximum") < 9_000_000
    assert statistic("OverheadLatency", "SampleCount") >= 4
    assert statistic("ConcurrentRequestsPerModel", "Maximum") >= 1


# Instance counts


def count(deployed: Deployed) -> int:
    (variant,) = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")["ProductionVariants"]
    return int(variant["CurrentInstanceCount"])


def settled(deployed: Deployed, instances: int) -> bool:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        status = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")["EndpointStatus"]
        if status == "InService" and count(deployed) == instances:
            return True
        time.sleep(0.2)
    return False


@pytest.fixture
def scaled(deployed: Deployed) -> Iterator[Any]:
    """The endpoint between one and three instances, with two requests at once for each."""
    scaling = boto3.client("application-autoscaling")
    scaling.register_scalable_target(**SCALED, MinCapacity=1, MaxCapacity=3)
    metric: Any = {"PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"}
    scaling.put_scaling_policy(
        **SCALED,
        PolicyName="concurrency",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 2.0,
            "PredefinedMetricSpecification": metric,
            "ScaleInCooldown": 1,
            "ScaleOutCooldown": 1,
        },
    )
    yield scaling
    scaling.deregister_scalable_target(**SCALED)
    sagemaker = deployed.sagemaker
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="cohere-local",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 1}],
    )
    assert settled(deployed, 1)


def load(account: Callable[[Conditions], None], at_once: int, **quotas: int) -> None:
    account(Conditions(answer_seconds=0.4, quotas={"ml.g5.xlarge": 20, **quotas}))
    with concurrent.futures.ThreadPoolExecutor(at_once) as threads:
        list(threads.map(lambda _: invoke(), range(at_once * 4)))


def test_load_scales_out_to_the_bound_and_silence_scales_in_again(
    deployed: Deployed, account: Callable[[Conditions], None], scaled: Any
) -> None:
    assert count(deployed) == 1
    load(account, 16)
    assert settled(deployed, 3)
    activities = scaled.describe_scaling_activities(**SCALED)["ScalingActivities"]
    assert activities[0]["Description"] == "Setting desired instance count to 3."
    # A trickle keeps the metric alive, far below the target.
    account(Conditions())
    until = time.monotonic() + 20
    while time.monotonic() < until and count(deployed) > 1:
        invoke()
        time.sleep(0.3)
    assert settled(deployed, 1)


def test_an_update_keeps_what_the_autoscaler_decided(deployed: Deployed) -> None:
    """Only with RetainAllVariantProperties: without it the config's own count comes back."""
    sagemaker = deployed.sagemaker
    three: Any = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="cohere-local", DesiredWeightsAndCapacities=three)
    assert settled(deployed, 3)
    config = sagemaker.describe_endpoint(EndpointName="cohere-local")["EndpointConfigName"]
    for kept, instances in ((True, 3), (False, 1)):
        sagemaker.update_endpoint(
            EndpointName="cohere-local", EndpointConfigName=config, RetainAllVariantProperties=kept
        )
        assert settled(deployed, instances)


def test_without_quota_nothing_is_scaled_and_the_activity_says_why(
    deployed: Deployed, account: Callable[[Conditions], None], scaled: Any
) -> None:
    load(account, 8, **{"ml.g5.xlarge": 1})
    assert settled(deployed, 1)
    (activity, *_) = scaled.describe_scaling_activities(**SCALED)["ScalingActivities"]
    assert (activity["StatusCode"], "service limit" in activity["StatusMessage"]) == ("Failed", True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MinCapacity": 0}, "MinCapacity must be 1 or more"),
        ({"ResourceId": "endpoint/other/variant/AllTraffic"}, "No variant found"),
    ],
)
def test_targets_that_are_refused(deployed: Deployed, change: dict[str, Any], message: str) -> None:
    request: Any = {**SCALED, "MinCapacity": 1, "MaxCapacity": 2, **change}
    with pytest.raises(ClientError, match=message):
        boto3.client("application-autoscaling").register_scalable_target(**request)


def test_a_policy_needs_a_target(deployed: Deployed) -> None:
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    policy: Any = {"TargetValue": 1.0, "PredefinedMetricSpecification": metric}
    with pytest.raises(ClientError, match="No scalable target found"):
        boto3.client("application-autoscaling").put_scaling_policy(
            **SCALED,
            PolicyName="p",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=policy,
        )


def test_an_endpoint_in_system_updating_answers_and_cannot_be_changed(
    deployed: Deployed, account: Callable[[Conditions], None]
) -> None:
    account(Conditions(system_updating=("cohere-local",)))
    sagemaker = deployed.sagemaker
    assert sagemaker.describe_endpoint(EndpointName="cohere-local")["EndpointStatus"] == "SystemUpdating"
    assert invoke()["InvokedProductionVariant"] == "AllTraffic"
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.delete_endpoint(EndpointName="cohere-local")


# Service Quotas


def test_quotas_are_those_of_the_conditions(deployed: Deployed, account: Callable[[Conditions], None]) -> None:
    account(Conditions(quotas={"ml.g5.xlarge": 7}))
    quotas = boto3.client("service-quotas")
    found = quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode="L-1928E07B")["Quota"]
    assert (found["QuotaName"], found["Value"]) == ("ml.g5.xlarge for endpoint usage", 7.0)
    names = [one["QuotaName"] for one in quotas.list_service_quotas(ServiceCode="sagemaker")["Quotas"]]
    assert "ml.p5.48xlarge for endpoint usage" in names
    with pytest.raises(ClientError) as caught:
        quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode="L-00000000")
    assert code(caught) == "NoSuchResourceException"
