"""The authorizer of a REST API whose clients send ``Authorization: Bearer <key>``."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagemaker_llm.proxy import source
from sagemaker_llm.proxy.function import python_function

TOKEN: Final = "^[Bb][Ee][Aa][Rr][Ee][Rr] [A-Za-z0-9]{20,128}$"  # noqa: S105 - a pattern
"""What a header can be that holds a key. API Gateway refuses any other without invoking the function.

The scheme's case does not matter: Cohere's client 4 writes ``BEARER``.
Source: docs.aws.amazon.com/apigateway/latest/api/API_CreateApiKey.html (20 to 128 letters and digits).
"""

CACHE_SECONDS: Final = 3600
"""How long API Gateway keeps the answer for a token: its limit. The answer never changes; the key itself is checked for
each request."""


class BearerAuthorizer(Construct):
    """Passes a bearer token on as the key of a usage plan. The API's key source has to be its authorizers.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        log_retention: how long the function's log lines are kept. They hold no key.

    Attributes:
        function: the function. It may write to its own log group, and nothing else.
        authorizer: the authorizer, for the API's methods.

    """

    def __init__(self, scope: Construct, construct_id: str, *, log_retention: logs.RetentionDays) -> None:
        super().__init__(scope, construct_id)
        self.function: lambda_.Function = python_function(
            self,
            description="Passes a bearer token on to API Gateway as the key of a usage plan",
            role_description="Lets the authorizer write its log",
            code=source.code(),
            handler="authorizer.handler.handler",
            timeout_seconds=5,
            memory_mib=128,
            log_retention=log_retention,
        )
        self.authorizer = apigateway.TokenAuthorizer(
            self,
            "Authorizer",
            handler=self.function,
            results_cache_ttl=Duration.seconds(CACHE_SECONDS),
            validation_regex=TOKEN,
        )
