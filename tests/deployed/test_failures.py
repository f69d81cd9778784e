"""What fails on AWS fails here, in its words, and CloudFormation goes back to what was."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from endpointctl.refused import Refused
from local_aws.conditions import Conditions, Fault
from local_aws.runner.demo import connect
from sagemaker_llm import ModelPackage
from tests.support.cloud import ANSWERED, Deployed, StackFailed, Stacks, callers, state
from tests.support.templates import Content, changed

UPDATES: list[tuple[str, dict[str, Any], Conditions, str]] = [
    (
        "no quota for a second fleet",
        {"instance_count": 2},
        Conditions(quotas={"ml.g5.xlarge": 2}),
        "'ml.g5.xlarge for endpoint usage' is 2 Instances, with current utilization of 1",
    ),
    (
        "no capacity",
        {"instance_type": "ml.g5.2xlarge"},
        Conditions(capacity={"ml.g5.2xlarge": 0}),
        "InsufficientInstanceCapacity",
    ),
    (
        "never healthy",
        {"container_startup_timeout_seconds": 600},
        Conditions(unhealthy=("cohere-gpt-medium",)),
        "did not pass the ping health check",
    ),
]


def fails(stacks: Stacks, content: Content, stack: str = "endpoint", **options: Any) -> str:
    """Deploy, which has to fail; return the reasons."""
    with pytest.raises(StackFailed) as caught:
        stacks.deploy(content, stack, **options)
    return str(caught.value)


@pytest.mark.parametrize(("what", "change", "conditions", "reason"), UPDATES, ids=[row[0] for row in UPDATES])
def test_a_failed_update_rolls_back_and_requests_go_on(
    deployed: Deployed,
    local: Stacks,
    content: Content,
    account: Callable[[Conditions], None],
    what: str,
    change: dict[str, Any],
    conditions: Conditions,
    reason: str,
) -> None:
    _, config, _ = state(deployed)
    account(conditions)
    assert reason in fails(local, changed(content, {f"endpoint.{key}": value for key, value in change.items()}))
    assert state(deployed) == ("InService", config, "UPDATE_ROLLBACK_COMPLETE")
    assert deployed.proxy.generate(prompt="still there", max_tokens=2).texts


def test_not_subscribed(
    deployed: Deployed, local: Stacks, content: Content, account: Callable[[Conditions], None]
) -> None:
    _, config, _ = state(deployed)
    account(Conditions(unsubscribed=("cohere-command-light",)))
    other = {**content, "model": {"catalog": "command-light-16"}}
    assert "Caller is not subscribed to the marketplace offering." in fails(local, other)
    assert state(deployed) == ("InService", config, "UPDATE_ROLLBACK_COMPLETE")
    models = deployed.sagemaker.list_models()["Models"]
    assert len([model for model in models if "cohere-local" in model["ModelName"]]) == 1


CRASHES = "raise RuntimeError('no such module')\n"
DOES_NOT_ANSWER = "def handler(event, context):\n    return {'statusCode': 500}\n"


@pytest.mark.parametrize(
    ("what", "handler", "reason"),
    [
        ("crashes at import", CRASHES, "no such module"),
        ("does not answer", DOES_NOT_ANSWER, "answer GET /healthz with 200"),
    ],
)
def test_no_caller_reaches_a_version_of_the_proxy_that_cannot_start(
    deployed: Deployed, local: Stacks, content: Content, what: str, handler: str, reason: str
) -> None:
    with callers(deployed.proxy) as results:
        reasons = fails(local, content, "proxy", files={"proxy/handler.py": handler})
    assert "the new version of the proxy cannot start" in reasons
    assert reason in reasons
    assert set(results) == {ANSWERED}
    assert local.status("proxy") == "UPDATE_ROLLBACK_COMPLETE"
    assert deployed.proxy.get("/healthz") == (200, {"status": "ok"})


def test_an_update_without_the_gpu_driver_goes_back_and_requests_go_on(deployed: Deployed) -> None:
    """Our own synth refuses such a template; somebody else's reaches CloudFormation."""
    _, config, _ = state(deployed)
    cloudformation = deployed.cloudformation
    template: Any = cloudformation.get_template(StackName="cohere-local-endpoint")["TemplateBody"]
    template = json.loads(template) if isinstance(template, str) else template
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::SageMaker::Model":
            package = ModelPackage.from_catalog("command-r-08-2024", "ml.p5.48xlarge", "us-east-1").arn
            resource["Properties"]["PrimaryContainer"]["ModelPackageName"] = package
        if resource["Type"] == "AWS::SageMaker::EndpointConfig":
            resource["Properties"]["ProductionVariants"][0]["InstanceType"] = "ml.p5.48xlarge"
    capabilities: Any = ["CAPABILITY_NAMED_IAM"]
    cloudformation.update_stack(
        StackName="cohere-local-endpoint", TemplateBody=json.dumps(template), Capabilities=capabilities
    )
    with callers(connect(deployed.cloud)) as results:
        while state(deployed)[2].endswith("IN_PROGRESS"):
            time.sleep(0.2)
    assert state(deployed) == ("InService", config, "UPDATE_ROLLBACK_COMPLETE")
    assert set(results) == {ANSWERED}
    events = cloudformation.describe_stack_events(StackName="cohere-local-endpoint")["StackEvents"]
    assert any("did not pass the ping health check" in e.get("ResourceStatusReason", "") for e in events)


@contextlib.contextmanager
def model_on(deployed: Deployed, name: str, instance_type: str) -> Iterator[str]:
    """A model of Command R, which needs the inference AMI version, for a GPU type."""
    sagemaker = deployed.sagemaker
    role = sagemaker.describe_model(ModelName=sagemaker.list_models()["Models"][0]["ModelName"])["ExecutionRoleArn"]
    package = ModelPackage.from_catalog("command-r-08-2024", instance_type, "us-east-1").arn
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=role,
        EnableNetworkIsolation=True,
        PrimaryContainer={"ModelPackageName": package},
    )
    yield name
    sagemaker.delete_model(ModelName=name)


@pytest.fixture
def command_r(deployed: Deployed) -> Iterator[str]:
    with model_on(deployed, "command-r", "ml.p5.48xlarge") as name:
        yield name


@pytest.fixture
def a100_model(deployed: Deployed) -> Iterator[str]:
    with model_on(deployed, "command-r-a100", "ml.p4de.24xlarge") as name:
        yield name


def endpoint_of(deployed: Deployed, variant: dict[str, Any]) -> dict[str, Any]:
    """Make an endpoint of one variant, wait until it settles, and take it away again."""
    sagemaker = deployed.sagemaker
    full: Any = {"VariantName": "V", "ModelName": "command-r", "InitialInstanceCount": 1, **variant}
    sagemaker.create_endpoint_config(EndpointConfigName="sdk", ProductionVariants=[full])
    try:
        sagemaker.create_endpoint(EndpointName="sdk", EndpointConfigName="sdk")
        while (found := sagemaker.describe_endpoint(EndpointName="sdk"))["EndpointStatus"] == "Creating":
            time.sleep(0.1)
        sagemaker.delete_endpoint(EndpointName="sdk")
        sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="sdk", WaiterConfig={"Delay": 1, "MaxAttempts": 9})
        return dict(found)
    finally:
        sagemaker.delete_endpoint_config(EndpointConfigName="sdk")


def test_a_container_without_its_gpu_driver_never_becomes_healthy(deployed: Deployed, command_r: str) -> None:
    found = endpoint_of(deployed, {"InstanceType": "ml.p5.48xlarge"})
    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"].startswith("The primary container for production variant V did not pass the ping")
    driver = {"InstanceType": "ml.p5.48xlarge", "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2"}
    assert endpoint_of(deployed, driver)["EndpointStatus"] == "InService"


def test_a_package_on_the_wrong_gpu(deployed: Deployed, command_r: str) -> None:
    with pytest.raises(ClientError, match="is not supported by model package cohere-command-r-082024-h100"):
        endpoint_of(deployed, {"InstanceType": "ml.p4de.24xlarge"})


def test_the_next_pool_when_the_first_has_no_capacity(
    deployed: Deployed, command_r: str, a100_model: str, account: Callable[[Conditions], None]
) -> None:
    pools: list[dict[str, Any]] = [
        {"InstanceType": "ml.p4de.24xlarge", "Priority": 2},
        {"InstanceType": "ml.p5.48xlarge", "Priority": 1},
    ]
    pools[0]["ModelNameOverride"] = a100_model
    variant = {"InstancePools": pools, "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2"}
    account(Conditions(capacity={"ml.p5.48xlarge": 0}))
    assert endpoint_of(deployed, variant)["EndpointStatus"] == "InService"
    account(Conditions(capacity={"ml.p5.48xlarge": 0, "ml.p4de.24xlarge": 0}))
    failed = endpoint_of(deployed, variant)
    assert "InsufficientInstanceCapacity" in failed["FailureReason"]


def test_no_quota_is_said_at_once(deployed: Deployed, command_r: str, account: Callable[[Conditions], None]) -> None:
    account(Conditions(quotas={"ml.p5.48xlarge": 0}))
    with pytest.raises(ClientError) as caught:
        endpoint_of(deployed, {"InstanceType": "ml.p5.48xlarge"})
    assert caught.value.response["Error"]["Code"] == "ResourceLimitExceeded"
    assert "request delta of 1 Instances" in str(caught.value)


def test_what_a_package_declares(deployed: Deployed, account: Callable[[Conditions], None]) -> None:
    arn = "arn:aws:sagemaker:us-east-1:865070037744:model-package/"
    name = "cohere-gpt-medium-v1-5-15e34931a06235b7bac32dca396a970a"
    found = deployed.sagemaker.describe_model_package(ModelPackageName=arn + name)
    types = found["InferenceSpecification"]["SupportedRealtimeInferenceInstanceTypes"]
    assert (types, found["CertifyForMarketplace"]) == (["ml.g5.xlarge"], True)
    account(Conditions(unsubscribed=(name,)))
    with pytest.raises(ClientError, match="does not exist"):
        deployed.sagemaker.describe_model_package(ModelPackageName=arn + name)


TRIED_AGAIN = ("ThrottlingException", "ModelNotReadyException")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ("ThrottlingException", 429, "throttled"),
        ("ModelNotReadyException", 503, "not_ready"),
        ("InternalFailure", 424, "sagemaker_failed"),
        ("ServiceUnavailable", 424, "sagemaker_failed"),
        ("InternalDependencyException", 424, "sagemaker_failed"),
        ("ModelError400", 400, "model_refused"),
        ("ModelError429", 429, "throttled"),
        ("ModelError500", 424, "model_failed"),
        ("ModelErrorTimeout", 424, "timed_out"),
    ],
)
def test_each_fault_of_the_runtime_through_the_deployed_proxy(
    deployed: Deployed, account: Callable[[Conditions], None], error: str, status: int, code: str
) -> None:
    # What cannot have reached the model is tried once more: it has to happen twice before a caller hears of it.
    account(Conditions(faults=(Fault(error, times=2 if error in TRIED_AGAIN else 1),)))
    with pytest.raises(Refused) as caught:
        deployed.proxy.generate(prompt="hello", max_tokens=2)
    assert (caught.value.status, caught.value.body["code"]) == (status, code)
    assert deployed.proxy.generate(prompt="hello", max_tokens=2).texts


@pytest.mark.parametrize("error", TRIED_AGAIN)
def test_one_throttle_is_not_heard_of(deployed: Deployed, account: Callable[[Conditions], None], error: str) -> None:
    account(Conditions(faults=(Fault(error, times=1),)))
    assert deployed.proxy.generate(prompt="hello", max_tokens=2).texts


def test_faults_by_endpoint_and_sequence(deployed: Deployed, account: Callable[[Conditions], None]) -> None:
    account(Conditions(faults=(Fault("ModelError500", endpoint="another"), Fault("ModelError500", skip=2, times=1))))
    answered = []
    for _ in range(4):
        try:
            deployed.proxy.generate(prompt="hello", max_tokens=1)
            answered.append(True)
        except Refused:
            answered.append(False)
    assert answered == [True, True, False, True]


def test_an_endpoint_that_is_away_creating_or_failed_through_the_proxy(
    deployed: Deployed, account: Callable[[Conditions], None]
) -> None:
    sagemaker = deployed.sagemaker

    def code() -> str:
        with pytest.raises(Refused) as caught:
            deployed.proxy.generate(prompt="hello", max_tokens=1)
        assert caught.value.status == 424
        return str(caught.value.body["code"])

    def settled(*until: str) -> str:
        while (status := sagemaker.describe_endpoint(EndpointName="cohere-local")["EndpointStatus"]) not in until:
            time.sleep(0.05)
        return status

    _, config, _ = state(deployed)
    wait: Any = {"Delay": 1, "MaxAttempts": 9}
    sagemaker.delete_endpoint(EndpointName="cohere-local")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="cohere-local", WaiterConfig=wait)
    assert code() == "endpoint_unavailable"
    account(Conditions(capacity={"ml.g5.xlarge": 0}))
    sagemaker.create_endpoint(EndpointName="cohere-local", EndpointConfigName=config)
    assert code() == "endpoint_unavailable"
    assert settled("Failed", "InService") == "Failed"
    assert code() == "endpoint_unavailable"
    sagemaker.delete_endpoint(EndpointName="cohere-local")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="cohere-local", WaiterConfig=wait)
    account(Conditions())
    sagemaker.create_endpoint(EndpointName="cohere-local", EndpointConfigName=config)
    assert code() == "endpoint_unavailable"
    assert settled("Failed", "InService") == "InService"
    assert deployed.proxy.generate(prompt="hello", max_tokens=1).texts


# The last one of this file: the URL is another one then.
def test_a_first_deployment_that_cannot_start_rolls_back_and_the_next_one_succeeds(
    deployed: Deployed, local: Stacks, content: Content
) -> None:
    local.destroy("proxy")
    assert "no such module" in fails(local, content, "proxy", files={"proxy/handler.py": CRASHES})
    assert local.status("proxy") == "ROLLBACK_COMPLETE"
    local.deploy(content, "proxy")
    assert connect(deployed.cloud).get("/healthz") == (200, {"status": "ok"})
