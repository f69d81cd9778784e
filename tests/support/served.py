"""A chat, an embed and a rerank endpoint behind one streaming proxy, for the official clients."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from local_aws.runner import other_endpoints
from sagemaker_llm import ModelPackage
from tests.clients.cases import Case, find
from tests.support.clients import Client, Result, reachable
from tests.support.cloud import Deployed, Stacks
from tests.support.templates import ROOT, Content

INSTANCES = {"chat": "ml.p5.48xlarge", "embed": "ml.g5.xlarge", "rerank": "ml.g5.xlarge"}
MODELS = {"chat": "command-r-08-2024", "embed": "embed-v4", "rerank": "rerank-english-v3"}
PACKAGES = {api: ModelPackage.from_catalog(MODELS[api], INSTANCES[api], "us-east-1").arn for api in MODELS}
CLIENT = {"requests_per_second": 1000.0, "burst": 1000}
BEARER = {"access": "bearer", "account_log_role": True, "clients": {"tests": CLIENT}}
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
ALSO = {"embed": ["embed-english-v3.0"], "rerank": []}
"""Further names of the models: LlamaIndex takes those that it knows."""


@dataclass(frozen=True)
class Served:
    """What clients need to know.

    Attributes:
        stacks: the proxy's environment.
        url: its URL as the clients reach it.
        key: the key that they send; of no meaning where requests are signed.

    """

    stacks: Stacks
    url: str
    key: str


def content(**proxy: Any) -> Content:
    """Return the file of an environment that serves the three."""
    return {
        "region": "us-east-1",
        "account": "111122223333",
        "model": {"package_arn": PACKAGES["chat"]},
        "endpoint": {"name": "clients-chat", "instance_type": INSTANCES["chat"]},
        "proxy": {
            "models": [MODELS["chat"]],
            "endpoints": {f"clients-{api}": {"api": api, "models": [MODELS[api], *more]} for api, more in ALSO.items()},
            "streaming": True,
            # Each execution environment is a process of its own here.
            "reserved_concurrency": 100,
            **proxy,
        },
    }


def make_endpoints(packages: Mapping[str, str] = PACKAGES) -> None:
    """Make the endpoints, which other teams own.

    Args:
        packages: the package of each, by the last part of its name. Default: the three.

    """
    for api, package in packages.items():
        other_endpoints.make(f"clients-{api}", package, INSTANCES.get(api, INSTANCES["chat"]))
    other_endpoints.wait_for(f"clients-{api}" for api in packages)


def serve(deployed: Deployed, name: str, files: Mapping[str, str] | None = None, **proxy: Any) -> Served:
    """Deploy a proxy in front of the three; return what clients need.

    Args:
        deployed: the local cloud.
        name: the environment's name.
        files: other files in the proxy's source.
        proxy: further settings of the proxy.

    """
    stacks = Stacks(name)
    stacks.deploy(content(**proxy), "proxy", files=files)
    key = make_key(name) if "rest_api" in proxy else "unused"
    return Served(stacks, reachable(stacks.parameter("generate-url"), deployed.cloud.url), key)


def make_key(name: str) -> str:
    """Make a key of the one client of an environment, as ``endpointctl keys create`` does."""
    gateway = boto3.client("apigateway")
    (plan,) = [one["id"] for one in gateway.get_usage_plans()["items"] if one["name"] == f"cohere-{name}-proxy-tests"]
    key = gateway.create_api_key(name=f"cohere-{name}-proxy-tests", enabled=True)
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    return str(key["value"])


def signer() -> dict[str, Any]:
    """Return what signs a client's requests, for ``Client.call``: the example, with the credentials of the tests."""
    return {
        "folder": str(ROOT / "examples"),
        "module": "signed_requests",
        "class": "SignedRequests",
        "arguments": {"region": "us-east-1"},
        "environment": {name: os.environ[name] for name in CREDENTIALS if name in os.environ},
    }


def call_as(case: Case, client: Client, served: Served, **more: Any) -> Result:
    """Run a case with the model that answers it.

    Args:
        case: the case.
        client: the client's process.
        served: the proxy.
        more: further arguments of ``Client.call``.

    """
    function = case.scenario.partition(".")[2]
    model = next((MODELS[api] for api in ALSO if api in function), MODELS["chat"])
    if any(case.model in names for names in ALSO.values()):
        model = case.model
    return client.call(case.scenario, served.url, key=served.key, model=model, **more, **case.options)


def check(case: Case, result: Result) -> None:
    """Check that the caller finds what the case promises, or the name of the field that the proxy refuses."""
    if case.refused:
        failure = result.failure()
        assert failure["status_code"] == 400
        assert f"{case.refused}: " in json.dumps([failure["body"], failure["message"]])
    else:
        found: Any = find(result.unwrap(), case.finds[0])
        assert found not in (None, "", [])


def log_lines(part: str = "") -> Iterator[str]:
    """Yield the lines of every log group whose name has a part."""
    logs = boto3.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        if part in group["logGroupName"]:
            yield from (one["message"] for one in logs.filter_log_events(logGroupName=group["logGroupName"])["events"])
