"""An httpx client, as the clients of Cohere and OpenAI take it, through an API with IAM."""

import boto3
import httpx

from examples.signed_requests import SignedRequests
from tests.support.cloud import Deployed, Stacks
from tests.support.local_transport import LocalTransport


def test_the_function_url_accepts_the_signature(deployed: Deployed, local: Stacks) -> None:
    url, body = local.parameter("generate-url"), {"prompt": "Grüße, 世界", "max_tokens": 2}
    bearer = {"Authorization": "Bearer unused"}
    transport = LocalTransport(deployed.cloud.url)
    with httpx.Client(auth=SignedRequests("us-east-1"), base_url=url, headers=bearer, transport=transport) as client:
        answer = client.post("v1/generate", json=body)
        assert (answer.status_code, len(answer.json()["generations"])) == (200, 1)
        assert client.get("healthz").json() == {"status": "ok"}
    stranger = SignedRequests("us-east-1", boto3.Session("AKIDEXAMPLE", "wrong", region_name="us-east-1"))
    with httpx.Client(auth=stranger, base_url=url, transport=LocalTransport(deployed.cloud.url)) as client:
        assert client.post("v1/generate", json=body).status_code == 403
