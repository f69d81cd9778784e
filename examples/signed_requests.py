"""Let the clients of Cohere and OpenAI call an API with IAM: sign their requests with AWS Signature Version 4.

Both take an httpx client, whose ``auth`` replaces the bearer header that they send:

    http = httpx.Client(auth=SignedRequests("us-east-1"), timeout=80)
    cohere.ClientV2(api_key="unused", base_url=URL, httpx_client=http)
    openai.OpenAI(api_key="unused", base_url=f"{URL}/compatibility/v1", http_client=http)

It needs boto3 and httpx, and nothing of this project: copy this file. ``URL`` is the environment's, without the slash
at its end. The asynchronous clients take ``httpx.AsyncClient`` with the same ``auth``.
"""

from __future__ import annotations

from collections.abc import Generator

import boto3
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest


class SignedRequests(httpx.Auth):
    """Signs each request anew, retries included, with the credentials of that moment.

    Args:
        region: the API's region.
        session: whose credentials sign; default those that boto3 finds by itself.

    Raises:
        ValueError: there are no credentials.

    """

    requires_request_body = True

    def __init__(self, region: str, session: boto3.Session | None = None) -> None:
        found = (session or boto3.Session()).get_credentials()
        if found is None:
            raise ValueError("no AWS credentials; allowed: those that boto3 finds: set AWS_PROFILE, or `aws sso login`")
        self._region, self._credentials = region, found

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Replace the request's authorization by a signature."""
        # A REST API may have a domain name of its own, a Function URL never.
        service = "lambda" if ".lambda-url." in request.url.host else "execute-api"
        signed = AWSRequest(request.method, str(request.url), data=request.content)
        if "content-type" in request.headers:
            signed.headers["Content-Type"] = request.headers["content-type"]
        # Key, secret and token of one moment: credentials may renew themselves at any time.
        SigV4Auth(self._credentials.get_frozen_credentials(), service, self._region).add_auth(signed)
        for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
            request.headers.pop(name, None)
            if name in signed.headers:
                request.headers[name] = signed.headers[name]
        yield request
