"""Least privilege, with IAM enforced: what the deployed roles may, what they may not, and which callers are allowed."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import botocore.auth
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from endpointctl.aws import Aws
from endpointctl.client import Client
from endpointctl.refused import Refused
from tests.support.cloud import Deployed, policies_of, policy


@pytest.fixture(scope="module")
def as_proxy(deployed: Deployed) -> Iterator[boto3.Session]:
    """A session that may exactly what the proxy's role may; the role itself trusts Lambda only."""
    iam = boto3.client("iam")
    _, policies = policies_of("ProxyRole")
    assert policies
    iam.create_user(UserName="as-proxy")
    for name, document in policies.items():
        iam.put_user_policy(UserName="as-proxy", PolicyName=name, PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="as-proxy")["AccessKey"]
    yield boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    iam.delete_access_key(UserName="as-proxy", AccessKeyId=key["AccessKeyId"])
    for name in policies:
        iam.delete_user_policy(UserName="as-proxy", PolicyName=name)
    iam.delete_user(UserName="as-proxy")


def invoke(session: boto3.Session, endpoint: str) -> Any:
    runtime = session.client("sagemaker-runtime")
    return runtime.invoke_endpoint(EndpointName=endpoint, ContentType="application/json", Body=b'{"prompt": "a"}')


PROBES: list[tuple[str, Callable[[boto3.Session], Any]]] = [
    ("another endpoint", lambda s: invoke(s, "cohere-other")),
    ("describe", lambda s: s.client("sagemaker").describe_endpoint(EndpointName="cohere-local")),
    ("list", lambda s: s.client("sagemaker").list_endpoints()),
    ("delete", lambda s: s.client("sagemaker").delete_endpoint(EndpointName="cohere-local")),
    (
        "update",
        lambda s: s.client("sagemaker").update_endpoint(EndpointName="cohere-local", EndpointConfigName="x"),
    ),
    ("s3", lambda s: s.client("s3").list_buckets()),
    ("ssm", lambda s: s.client("ssm").get_parameter(Name="/cohere/local/api")),
    ("iam", lambda s: s.client("iam").list_users()),
    (
        "sts",
        lambda s: s.client("sts").assume_role(RoleArn="arn:aws:iam::111122223333:role/x", RoleSessionName="probe"),
    ),
    ("kms", lambda s: s.client("kms").list_keys()),
    ("lambda", lambda s: s.client("lambda").list_functions()),
    ("cloudformation", lambda s: s.client("cloudformation").list_stacks()),
    ("another log group", lambda s: s.client("logs").create_log_stream(logGroupName="/other", logStreamName="x")),
]


def test_the_proxys_role_may_invoke_its_endpoint(as_proxy: boto3.Session) -> None:
    assert json.loads(invoke(as_proxy, "cohere-local")["Body"].read())["generations"]


@pytest.mark.parametrize(("what", "probe"), PROBES, ids=[what for what, _probe in PROBES])
def test_the_proxys_role_may_nothing_else(
    as_proxy: boto3.Session, what: str, probe: Callable[[boto3.Session], Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        probe(as_proxy)
    assert caught.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")


MODEL = boto3.session.Session().client("sagemaker", region_name="us-east-1").meta.service_model
# The proxy's own endpoint, its config and its model: a grant on one of these must not look denied.
NAMES = {"EndpointName": "cohere-local", "EndpointConfigName": "", "ModelName": ""}


def request_for(operation: str, names: dict[str, str]) -> dict[str, Any]:
    """Return a request that names the proxy's own resources wherever the operation takes a name or an ARN."""
    shape = MODEL.operation_model(operation).input_shape
    members = shape.members if shape else {}
    request: dict[str, Any] = {name: value for name, value in names.items() if name in members}
    if "ResourceArn" in members:
        request["ResourceArn"] = f"arn:aws:sagemaker:us-east-1:111122223333:endpoint/{names['EndpointName']}"
    return request


def test_the_proxys_role_may_call_no_operation_of_sagemakers_control_plane(
    deployed: Deployed, as_proxy: boto3.Session
) -> None:
    config = deployed.sagemaker.describe_endpoint(EndpointName="cohere-local")["EndpointConfigName"]
    model = deployed.sagemaker.list_models()["Models"][0]["ModelName"]
    names = {**NAMES, "EndpointConfigName": config, "ModelName": model}
    credentials: Any = as_proxy.get_credentials()
    http = urllib3.PoolManager(retries=False)
    denied, allowed, named = 0, [], 0
    for operation in sorted(MODEL.operation_names):
        content = request_for(operation, names)
        named += bool(content)
        body = json.dumps(content).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"SageMaker.{operation}"}
        request = AWSRequest("POST", deployed.cloud.url, headers, body)
        SigV4Auth(credentials, "sagemaker", "us-east-1").add_auth(request)
        answer = http.request("POST", deployed.cloud.url, body=body, headers=dict(request.headers.items()))
        denied += b"AccessDeniedException" in answer.data
        # The local cloud's botocore is older than ours: it has no operation that it does not know.
        if not any(code in answer.data for code in (b"AccessDeniedException", b"UnknownOperationException")):
            allowed.append((operation, answer.status, answer.data[:100]))
    assert denied > 300
    assert named > 15
    assert not allowed


def test_a_grant_on_the_endpoint_would_be_seen(deployed: Deployed, as_proxy: boto3.Session) -> None:
    """The test above finds nothing because nothing is granted, not because it cannot find it."""
    iam = boto3.client("iam")
    arn = "arn:aws:sagemaker:us-east-1:111122223333:endpoint/cohere-local"
    grant = {"Effect": "Allow", "Action": "sagemaker:DescribeEndpoint", "Resource": arn}
    iam.put_user_policy(UserName="as-proxy", PolicyName="grant", PolicyDocument=policy(grant))
    try:
        assert as_proxy.client("sagemaker").describe_endpoint(**request_for("DescribeEndpoint", NAMES))["EndpointArn"]
    finally:
        iam.delete_user_policy(UserName="as-proxy", PolicyName="grant")


def test_without_its_statement_the_proxy_says_that_it_may_not(deployed: Deployed) -> None:
    iam = boto3.client("iam")
    role, policies = policies_of("ProxyRole")
    name, document = next((n, d) for n, d in policies.items() if "sagemaker:InvokeEndpoint" in json.dumps(d))
    kept = [s for s in document["Statement"] if s["Action"] != "sagemaker:InvokeEndpoint"]
    assert len(kept) == len(document["Statement"]) - 1
    less = json.dumps({**document, "Statement": kept})
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=less)
    try:
        with pytest.raises(Refused) as caught:
            deployed.proxy.generate(prompt="hello")
        assert (caught.value.status, caught.value.body["code"]) == (424, "access_denied")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    assert deployed.proxy.generate(prompt="hello", max_tokens=1).texts


def status_of(
    deployed: Deployed,
    *,
    sent: bytes = b'{"prompt": "a"}',
    age: timedelta = timedelta(),
    region: str = "us-east-1",
    service: str = "lambda",
) -> int:
    """Sign a request for the Function URL, send it with the body ``sent``, and return the status."""
    aws = Aws("us-east-1")
    url = aws.proxy_url("local").rstrip("/")
    signed = AWSRequest("POST", f"{url}/v1/generate", {"Content-Type": "application/json"}, b'{"prompt": "a"}')
    with pytest.MonkeyPatch.context() as patch:
        then = datetime.now(UTC) - age
        patch.setattr(botocore.auth, "get_current_datetime", lambda: then)
        SigV4Auth(aws.credentials(), service, region).add_auth(signed)
    headers = {**dict(signed.headers.items()), "Host": url.partition("//")[2]}
    to = f"{deployed.cloud.url}/v1/generate"
    return int(urllib3.PoolManager(retries=False).request("POST", to, body=sent, headers=headers).status)


def test_a_signed_request_is_allowed(deployed: Deployed) -> None:
    assert status_of(deployed) == 200


def test_a_replay_with_another_body_is_denied(deployed: Deployed) -> None:
    assert status_of(deployed, sent=b'{"prompt": "b"}') == 403


def test_an_old_signature_is_denied(deployed: Deployed) -> None:
    assert status_of(deployed, age=timedelta(minutes=20)) == 403


@pytest.mark.parametrize("scope", [{"region": "eu-west-1"}, {"service": "execute-api"}])
def test_a_signature_for_elsewhere_is_denied(deployed: Deployed, scope: dict[str, str]) -> None:
    assert status_of(deployed, region=scope.get("region", "us-east-1"), service=scope.get("service", "lambda")) == 403


@pytest.mark.parametrize("actions", [["lambda:InvokeFunctionUrl"], ["lambda:InvokeFunction"], []])
def test_one_of_the_two_permissions_is_not_enough(deployed: Deployed, actions: list[str]) -> None:
    """Both together are: what a role of the account has to be given."""
    iam, aws = boto3.client("iam"), Aws("us-east-1")
    both = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]

    def allow(actions: list[str]) -> None:
        statement = {"Effect": "Allow", "Action": actions or ["s3:ListBucket"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="caller", PolicyName="p", PolicyDocument=document)

    iam.create_user(UserName="caller")
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    caller: Any = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"]).get_credentials()
    proxy = Client(aws.proxy_url("local"), caller, "us-east-1")
    try:
        allow(actions)
        with pytest.raises(Refused) as caught:
            proxy.generate(prompt="a", max_tokens=1)
        assert caught.value.status == 403
        allow(both)
        assert proxy.generate(prompt="a", max_tokens=1).texts
    finally:
        iam.delete_access_key(UserName="caller", AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName="caller", PolicyName="p")
        iam.delete_user(UserName="caller")


# The statements of the two roles. What breaks without the first of each: above, and in tests/proofs/test_rollbacks.py.
# MiniStack writes logs without asking.
STATEMENTS = [
    ("ProxyRole", "sagemaker:InvokeEndpoint"),
    ("ProxyRole", "logs:PutLogEvents"),
    ("CheckRole", "lambda:InvokeFunction"),
    ("CheckRole", "logs:PutLogEvents"),
]


def test_every_statement_is_one_that_is_known(deployed: Deployed) -> None:
    """A new statement has to be added above, with the test of what breaks without it."""
    for role in ("ProxyRole", "CheckRole"):
        _, policies = policies_of(role)
        statements = [s for document in policies.values() for s in document["Statement"]]
        actions = {a for s in statements for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}
        assert actions == {action for name, action in STATEMENTS if name == role} | {"logs:CreateLogStream"}
        assert not any(s["Resource"] == "*" for s in statements)
