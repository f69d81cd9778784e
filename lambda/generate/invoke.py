"""The one call to SageMaker. Every option that decides how often a generation is paid for is set here, on purpose."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from generate.settings import Settings
from generate.upstream import meaning_of

CONNECT_SECONDS = 2.0
MOST_AT_ONCE = 5


class Endpoint:
    """The endpoint that answers. Made once for each execution environment, so that its connection is kept.

    Args:
        settings: which endpoint, and how long it may take.

    """

    def __init__(self, settings: Settings) -> None:
        self._name = settings.endpoint_name
        self._client = boto3.client(
            "sagemaker-runtime",
            config=Config(
                # One attempt: the SDK's own retries (3, since November 2026; 5 before) would pay for the same
                # generation again when the first one is only slow.
                retries={"mode": "standard", "total_max_attempts": 1},
                connect_timeout=CONNECT_SECONDS,
                # More than SageMaker's own 60 s, so that its error arrives and not ours.
                read_timeout=settings.timeout_seconds,
                # Lambda runs one request at a time, which is at most so many generations of a chat model.
                max_pool_connections=MOST_AT_ONCE,
                tcp_keepalive=True,
            ),
        )

    def invoke_all(self, contents: list[bytes], prompt: str, variant: str | None = None) -> list[bytes]:
        """Send several requests side by side, so that all of them end within the time of one, and return the answers.

        The first that fails ends the whole: what the others generated is lost, and paid for.

        Args:
            contents: the JSON of each, at most five.
            prompt: the prompt in them, which an error must not repeat.
            variant: the variant to ask; default by weight.

        Raises:
            ProxyError: one of them has no answer.

        """
        if len(contents) == 1:
            return [self.invoke(contents[0], prompt, variant)]
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            return list(pool.map(lambda content: self.invoke(content, prompt, variant), contents))

    def invoke(self, content: bytes, prompt: str, variant: str | None = None) -> bytes:
        """Send the request's JSON and return the container's.

        Args:
            content: the JSON to send.
            prompt: the prompt in it, which an error must not repeat.
            variant: the variant to ask; default by weight.

        Raises:
            ProxyError: there is no answer; see ``upstream``.

        """
        try:
            answer = self._client.invoke_endpoint(
                EndpointName=self._name,
                ContentType="application/json",
                Accept="application/json",
                Body=content,
                **({"TargetVariant": variant} if variant else {}),
            )
            return answer["Body"].read()
        except (ClientError, BotoCoreError, HTTPError) as error:
            raise meaning_of(error, prompt, variant) from None
