"""An httpx client, as the clients of Cohere and OpenAI take it, through an API with IAM."""

from urllib.parse import urlsplit

import boto3
import httpx

from examples.signed_requests import SignedRequests
from tests.support.cloud import Deployed, Stacks


class LocalTransport(httpx.HTTPTransport):
    """Connects to the local cloud instead of the host that a request is for, as a resolver would."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._local = urlsplit(url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self._local.hostname, port=self._local.port)
        return super().handle_request(request)


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
