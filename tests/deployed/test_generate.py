"""What `make demo` does, with its answers checked: real CDK CLI, CloudFormation, Function URL and handler."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from endpointctl.client import Client
from endpointctl.refused import Refused
from local_aws.runner import article
from local_aws.runner.cloud import REGION
from tests.support.cloud import Deployed


def test_the_articles_sample_repeats_itself_at_temperature_0(deployed: Deployed) -> None:
    first, second = (deployed.proxy.generate(**article.SAMPLE) for _ in range(2))
    assert first.tokens == 100
    assert first.texts == second.texts
    assert first.body["prompt"] == article.PROMPT
    (generation,) = first.body["generations"]
    likelihoods = [token["likelihood"] for token in generation["token_likelihoods"]]
    assert generation["likelihood"] == pytest.approx(sum(likelihoods) / 100)
    assert all(likelihood < 0 for likelihood in likelihoods)


def test_the_articles_study_of_max_tokens(deployed: Deployed) -> None:
    completions = [deployed.proxy.generate(**request) for request in article.TOKEN_STUDY]
    assert [completion.tokens for completion in completions] == [100, 200, 300, 400, 500]
    assert len(completions[-1].texts[0]) > len(completions[0].texts[0])


def test_the_articles_study_of_temperature(deployed: Deployed) -> None:
    completions = [deployed.proxy.generate(**request) for request in article.TEMPERATURE_STUDY]
    assert len(completions) == 6
    likelihoods = [completion.body["generations"][0]["likelihood"] for completion in completions]
    assert likelihoods[5] < likelihoods[1] < 0
    assert len({completion.texts[0] for completion in completions}) == 6


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b'{"prompt": "p", "temperature": 9}', 400, "invalid_field"),
        (b'{"prompt": "p", "max_tokens": 3000}', 400, "model_refused"),
        (json.dumps({"prompt": "x" * 300_000}).encode(), 413, "request_too_large"),
    ],
)
def test_a_wrong_request_is_told_in_coheres_shape(deployed: Deployed, content: bytes, status: int, code: str) -> None:
    found, body = deployed.proxy.post("/v1/generate", content)
    assert (found, set(body), body["code"]) == (status, {"message", "id", "code"}, code)


def test_the_containers_refusal_is_passed_on_without_what_surrounds_it(deployed: Deployed) -> None:
    _, body = deployed.proxy.post("/v1/generate", b'{"prompt": "p", "max_tokens": 3000}')
    assert body["message"] == "invalid request: max_tokens must be between 0 and 2048 inclusive"


def test_another_path_is_not_found(deployed: Deployed) -> None:
    status, body = deployed.proxy.post("/v1/chat", b"{}")
    assert (status, body["code"]) == (404, "not_found")


def test_an_unsigned_request_is_denied(deployed: Deployed) -> None:
    host = _host(deployed)
    request = urllib.request.Request(
        f"{deployed.cloud.url}/v1/generate", b'{"prompt": "p"}', {"Host": host, "Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 403


def _host(deployed: Deployed) -> str:
    outputs = deployed.cloudformation.describe_stacks(StackName="cohere-local-proxy")["Stacks"][0]["Outputs"]
    url = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "GenerateUrl")
    return url.removeprefix("https://").rstrip("/")


@pytest.fixture
def stranger(deployed: Deployed) -> Iterator[Any]:
    """A user of the account without any policy."""
    iam = boto3.client("iam")
    iam.create_user(UserName="stranger")
    key = iam.create_access_key(UserName="stranger")["AccessKey"]
    yield boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    iam.delete_access_key(UserName="stranger", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="stranger")


def test_a_caller_without_a_policy_is_denied(deployed: Deployed, stranger: Any) -> None:
    with pytest.raises(Refused) as caught:
        Client(f"https://{_host(deployed)}", stranger.get_credentials(), REGION).generate(prompt="p")
    assert caught.value.status == 403
    runtime = stranger.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ClientError, match="not authorized to perform: sagemaker:InvokeEndpoint"):
        runtime.invoke_endpoint(EndpointName="cohere-local", Body=b"{}")


def test_the_proxys_log_holds_no_prompt(deployed: Deployed) -> None:
    deployed.proxy.generate(prompt="The canary sings at midnight.", max_tokens=5)
    logs = boto3.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    (group,) = [name for name in groups if "ProxyLogGroup" in name]
    lines = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
    assert any('"status": 200' in line for line in lines)
    assert not any("canary" in line for line in lines)
