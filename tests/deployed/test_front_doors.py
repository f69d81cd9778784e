"""The REST API in front of the same proxy as the Function URL: the same responses, and what a Function URL lacks."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient

from endpointctl import cli
from endpointctl.failure import Failure
from local_aws.conditions import Conditions
from stacks import settings
from stacks.settings import ENVIRONMENTS
from tests.support.cloud import ORIGINAL, Deployed, StackFailed, Stacks
from tests.support.templates import EXAMPLES, content_of

CANARY = "the canary sings at midnight in the coal mine"
USER = "arn:aws:iam::111122223333:user/workstation"
SEARCH = {"requests_per_second": 0.01, "burst": 3}
NIGHTLY = {"requests_per_second": 100.0, "burst": 100, "quota": 2, "period": "day"}
Answer = tuple[int, dict[str, str], Any]


@dataclass
class FrontDoor:
    """A deployed front door and how a request reaches it."""

    url: str
    to: str

    def send(
        self,
        body: Any = None,
        *,
        method: str = "POST",
        path: str = "v1/generate",
        headers: dict[str, str] | None = None,
        signed: bool = True,
        session: boto3.Session | None = None,
        service: str = "execute-api",
    ) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        sent = {**({"Content-Type": "application/json"} if content else {}), **(headers or {})}
        if signed:
            request = AWSRequest(method, self.url + path, sent, content)
            credentials: Any = (session or boto3.Session()).get_credentials()
            SigV4Auth(credentials, service, "us-east-1").add_auth(request)
            sent = dict(request.headers.items())
        sent["Host"] = urlsplit(self.url).netloc
        to = f"{self.to}{urlsplit(self.url).path}{path}"
        answer = urllib3.PoolManager(retries=False).request(method, to, body=content or None, headers=sent)
        parsed = json.loads(answer.data) if answer.data else None
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, parsed


class RestApis:
    """REST APIs in front of the one endpoint: a proxy's stack each, as an environment of its own."""

    def __init__(self, deployed: Deployed) -> None:
        self._url = deployed.cloud.url

    def deploy(self, name: str, rest_api: dict[str, Any], *, files: dict[str, str] | None = None) -> FrontDoor:
        content = {**content_of(ENVIRONMENTS / "local.yaml"), "proxy": {"rest_api": rest_api}}
        stacks = Stacks(name)
        stacks.deploy(content, "proxy", files=files)
        return FrontDoor(stacks.parameter("generate-url"), self._url)


@pytest.fixture(scope="module")
def rest_apis(deployed: Deployed) -> RestApis:
    return RestApis(deployed)


@pytest.fixture(scope="module")
def signed(rest_apis: RestApis) -> FrontDoor:
    return rest_apis.deploy(
        "signed", {"account_log_role": True, "timeout_seconds": 3, "cors_origins": ["https://a.test"]}
    )


@pytest.fixture(scope="module")
def keyed(rest_apis: RestApis, signed: FrontDoor) -> FrontDoor:
    clients = {"search": SEARCH, "nightly": NIGHTLY, "free": {**NIGHTLY, "quota": None}}
    origins = ["https://a.test", "https://b.test"]
    networks = ["127.0.0.0/8"]
    return rest_apis.deploy(
        "keyed", {"access": "api_keys", "clients": clients, "cors_origins": origins, "networks": networks}
    )


def key_of(client: str) -> dict[str, str]:
    keys = boto3.client("apigateway").get_api_keys(includeValues=True)["items"]
    return {"x-api-key": next(one["value"] for one in keys if one["name"] == f"cohere-keyed-proxy-{client}")}


def test_without_the_accounts_log_role_the_deployment_fails_in_awss_words(rest_apis: RestApis) -> None:
    with pytest.raises(StackFailed, match="CloudWatch Logs role ARN must be set in account settings to enable logging"):
        rest_apis.deploy("norole", {})


def test_the_check_before_a_deployment_says_the_same_in_one_line(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENTS", EXAMPLES)
    with pytest.raises(Failure, match=r"proxy\.rest_api\.account_log_role: API Gateway has no role .* set it to true"):
        cli.check("rest-api-signed")
    cli.check("rest-api")
    assert "rest-api: account 111122223333" in capsys.readouterr().out
    small = {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 110}}
    monkeypatch.setattr(BaseClient, "_make_api_call", _responding("GetAccountSettings", small))
    with pytest.raises(Failure, match=r"proxy\.reserved_concurrency: 32 cannot be reserved.*allowed: a smaller number"):
        cli.check("rest-api")


def _responding(operation: str, response: dict[str, Any]) -> Callable[..., Any]:
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: Any, name: str, arguments: Any) -> Any:
        return response if name == operation else original(client, name, arguments)

    return call


FROM_THE_EDGE = "the body does not fit the API's schema: see docs/openapi.yaml"
REQUESTS: list[tuple[str, Any, dict[str, Any]]] = [
    ("the article's", {"prompt": "Hello", "max_tokens": 5, "temperature": 0, "return_likelihoods": "GENERATION"}, {}),
    ("three with a seed", {"prompt": "Hello", "max_tokens": 5, "num_generations": 3, "seed": 7}, {}),
    ("an integer as a float", {"prompt": "Hello", "max_tokens": 5.0, "temperature": 0}, {}),
    ("nulls", {"prompt": "Hello", "max_tokens": 3, "temperature": 0, "k": None, "stream": False, "truncate": None}, {}),
    ("text beyond ASCII", {"prompt": "Grüße, 世界 🎉", "max_tokens": 3, "temperature": 0}, {}),
    ("a variant", {"prompt": "a", "max_tokens": 1, "temperature": 0}, {"headers": {"x-target-variant": "AllTraffic"}}),
    ("no such variant", {"prompt": "a"}, {"headers": {"x-target-variant": "Other"}}),
    ("refused by the container", {"prompt": "a", "frequency_penalty": 7}, {}),
    ("no prompt", {"max_tokens": 5}, {}),
    ("a wrong type", {"prompt": 1}, {}),
    ("above the cap", {"prompt": "a", "max_tokens": 5000}, {}),
    ("an unknown field", {"prompt": "a", "max_token": 5}, {}),
    ("a fraction of a token", {"prompt": "a", "max_tokens": 1.5}, {}),
    ("a field twice", b'{"prompt": "a", "prompt": "b"}', {}),
    ("NaN", b'{"prompt": "a", "p": NaN}', {}),
    ("half a surrogate pair", b'{"prompt": "\\ud800"}', {}),
    ("too large", {"prompt": "x" * 262_100, "stop_sequences": ["y" * 1000]}, {}),
    ("health", None, {"path": "healthz", "method": "GET"}),
    ("another path", {"prompt": "a"}, {"path": "v1/other"}),
    ("another method", None, {"method": "GET"}),
    ("another method of a path without a schema", {"prompt": "a"}, {"path": "healthz"}),
]


@pytest.mark.parametrize(("what", "body", "more"), REQUESTS, ids=[row[0] for row in REQUESTS])
def test_a_request_has_the_same_response_through_both_front_doors(
    deployed: Deployed, signed: FrontDoor, what: str, body: Any, more: dict[str, Any]
) -> None:
    url = deployed.cloud.url
    function_url = boto3.client("ssm").get_parameter(Name="/cohere/local/generate-url")["Parameter"]["Value"]
    one = FrontDoor(function_url, url).send(body, service="lambda", **more)
    other = signed.send(body, **more)
    assert one[0] == other[0]
    kept = {"content-type", "cache-control", "retry-after"}
    if other[2].get("message") == FROM_THE_EDGE:
        assert one[2]["code"] == other[2]["code"] == "invalid_field"
        return
    assert {k: v for k, v in one[1].items() if k in kept} == {k: v for k, v in other[1].items() if k in kept}
    for answer in (one[2], other[2]):
        assert answer.pop("id", "") or what == "health"
    assert one[2] == other[2]


def test_the_gateways_refusals_have_the_shape_of_the_proxys_errors(signed: FrontDoor) -> None:
    for answer in (signed.send({"prompt": "a"}, signed=False), signed.send(path="v1/other", signed=False)):
        assert answer[0] == 403
        assert set(answer[2]) == {"message", "id", "code", "error"}
        assert answer[2]["code"] == answer[2]["error"]["code"] == "refused"
        assert answer[2]["message"] == answer[2]["error"]["message"] == "Missing Authentication Token"
    status, _, body = signed.send(b'{"prompt": "' + b"x" * 10_000_001 + b'"}')
    assert (status, body["code"]) == (413, "request_too_large")


def test_a_caller_needs_a_policy_for_the_method(signed: FrontDoor) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="rest-caller")
    key = iam.create_access_key(UserName="rest-caller")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    body = {"prompt": "a", "max_tokens": 1}
    try:
        assert signed.send(body, session=session)[0] == 403
        api = urlsplit(signed.url).netloc.partition(".")[0]
        arn = f"arn:aws:execute-api:us-east-1:111122223333:{api}/live/POST/v1/generate"
        statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": arn}
        iam.put_user_policy(UserName="rest-caller", PolicyName="p", PolicyDocument=_document(statement))
        assert signed.send(body, session=session)[0] == 200
        assert signed.send(path="healthz", method="GET", session=session)[0] == 403
        statement["Resource"] = arn.replace("POST/v1/generate", "GET/healthz")
        iam.put_user_policy(UserName="rest-caller", PolicyName="p", PolicyDocument=_document(statement))
        assert signed.send(path="healthz", method="GET", session=session)[0] == 200
        assert signed.send(body, session=session)[0] == 403
        statement["Resource"] = arn
        iam.put_user_policy(UserName="rest-caller", PolicyName="p", PolicyDocument=_document(statement))
        assert signed.send(body, session=session)[0] == 200
        assert signed.send(body, session=session, service="lambda")[0] == 403
    finally:
        iam.delete_user_policy(UserName="rest-caller", PolicyName="p")
        iam.delete_access_key(UserName="rest-caller", AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName="rest-caller")


def _document(statement: dict[str, str]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_the_proxy_responds_before_the_gateway_times_out(
    signed: FrontDoor, account: Callable[[Conditions], None]
) -> None:
    account(Conditions(answer_seconds=30))
    began = time.monotonic()
    status, _, body = signed.send({"prompt": CANARY})
    assert (status, body["code"], body["message"]) == (
        424,
        "timed_out",
        "the model took too long; ask for fewer tokens",
    )
    assert time.monotonic() - began < 3


def test_clients_are_identified_by_their_keys(keyed: FrontDoor) -> None:
    body = {"prompt": "a", "max_tokens": 1}
    for headers in ({}, {"x-api-key": "x" * 20}, {"authorization": f"Bearer {key_of('free')['x-api-key']}"}):
        status, _, error = keyed.send(body, signed=False, headers=headers)
        assert (status, error["code"]) == (401, "unauthorized")
        assert "send x-api-key: KEY" in error["message"]
    assert keyed.send(body, signed=False, headers=key_of("free"))[0] == 200


def test_each_client_has_its_own_rate(keyed: FrontDoor) -> None:
    body, search = {"prompt": "a", "max_tokens": 1}, key_of("search")
    answers = [keyed.send(body, signed=False, headers=search) for _ in range(5)]
    assert [status for status, _, _ in answers] == [200, 200, 200, 429, 429]
    _, headers, error = answers[-1]
    assert (headers["retry-after"], error["code"]) == ("1", "throttled")
    assert keyed.send(body, signed=False, headers=key_of("free"))[0] == 200


def test_each_client_has_its_own_quota(keyed: FrontDoor) -> None:
    body, nightly = {"prompt": "a", "max_tokens": 1}, key_of("nightly")
    answers = [keyed.send(body, signed=False, headers=nightly) for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert answers[-1][2]["code"] == "quota_exceeded"
    assert keyed.send(body, signed=False, headers=key_of("free"))[0] == 200


def test_a_browser_may_call_from_an_allowed_origin(signed: FrontDoor, keyed: FrontDoor) -> None:
    for front_door, origin in ((signed, "https://a.test"), (keyed, "https://a.test")):
        asked = {"origin": origin, "access-control-request-method": "POST"}
        status, headers, _ = front_door.send(method="OPTIONS", headers=asked, signed=False)
        assert (status, headers["access-control-allow-origin"]) == (204, origin)
        assert headers["access-control-allow-methods"] == "POST"
    answered = keyed.send(
        {"prompt": "a", "max_tokens": 1}, signed=False, headers={**key_of("free"), "origin": "https://b.test"}
    )
    assert answered[1]["access-control-allow-origin"] == "https://b.test"
    other = keyed.send(
        {"prompt": "a", "max_tokens": 1}, signed=False, headers={**key_of("free"), "origin": "https://c.test"}
    )
    assert "access-control-allow-origin" not in other[1]


def test_a_caller_outside_the_networks_is_denied(rest_apis: RestApis, keyed: FrontDoor) -> None:
    clients = {"elsewhere": {"requests_per_second": 10.0, "burst": 10}}
    away = rest_apis.deploy("away", {"access": "api_keys", "clients": clients, "networks": ["203.0.113.0/24"]})
    keys = boto3.client("apigateway").get_api_keys(includeValues=True)["items"]
    key = next(one["value"] for one in keys if one["name"] == "cohere-away-proxy-elsewhere")
    assert away.send({"prompt": "a", "max_tokens": 1}, signed=False, headers={"x-api-key": key})[0] == 403


def lines_of(group_part: str) -> Iterator[str]:
    logs = boto3.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        if group_part in group["logGroupName"]:
            yield from (e["message"] for e in logs.filter_log_events(logGroupName=group["logGroupName"])["events"])


def test_no_prompt_reaches_a_log(signed: FrontDoor, keyed: FrontDoor) -> None:
    assert signed.send(path="healthz", method="GET")[0] == 200
    assert signed.send({"prompt": CANARY, "max_tokens": 2})[0] == 200
    assert signed.send({"prompt": CANARY, "max_tokens": "many"})[0] == 400
    assert signed.send({"prompt": CANARY, "frequency_penalty": 9})[0] == 400
    assert signed.send({"prompt": CANARY}, signed=False)[0] == 403
    written = list(lines_of(""))
    assert len(written) > 4
    assert not [line for line in written if CANARY in line]
    access = [json.loads(line) for line in lines_of("cohere-signed-proxy/DoorAccessLog")]
    refused = [one for one in access if one["error"] == "BAD_REQUEST_BODY"]
    assert refused
    assert refused[-1]["status"] == "400"
    assert {one["resource"] for one in access} >= {"/v1/generate", "/{proxy+}"}
    keys = {one["id"] for one in boto3.client("apigateway").get_api_keys()["items"]}
    assert {json.loads(line)["api_key_id"] for line in lines_of("cohere-keyed-proxy/DoorAccessLog")} <= {*keys, "-"}


def test_without_its_permission_the_gateway_cannot_invoke_the_function(deployed: Deployed, signed: FrontDoor) -> None:
    function = boto3.client("ssm").get_parameter(Name="/cohere/signed/generate-function")["Parameter"]["Value"]
    client: Any = boto3.client("lambda")
    policy = json.loads(client.get_policy(FunctionName=function, Qualifier="live")["Policy"])
    (statement,) = [s for s in policy["Statement"] if "apigateway.amazonaws.com" in json.dumps(s)]
    client.remove_permission(FunctionName=function, StatementId=statement["Sid"], Qualifier="live")
    try:
        status, headers, body = signed.send({"prompt": "a"})
        assert (status, body["code"], headers["x-should-retry"]) == (424, "api_gateway_error", "false")
    finally:
        client.add_permission(
            FunctionName=function,
            Qualifier="live",
            StatementId=statement["Sid"],
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
        )
    assert signed.send({"prompt": "a", "max_tokens": 1})[0] == 200


SLOW = f"""
import time

from proxy.{ORIGINAL} import handler as original


def handler(event, context):
    if event.get("resource") == "/v1/generate":
        time.sleep(4)
    return original(event, context)
"""


# The last one of this file: the API's function is another one then.
def test_a_function_that_does_not_respond_in_time(rest_apis: RestApis, signed: FrontDoor) -> None:
    rest_api = {"account_log_role": True, "timeout_seconds": 3}
    again = rest_apis.deploy("signed", rest_api, files={"proxy/handler.py": SLOW})
    status, headers, body = again.send({"prompt": "a"})
    assert (status, body["code"], headers["x-should-retry"]) == (424, "timed_out", "false")
