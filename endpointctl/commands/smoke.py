"""``endpointctl smoke``: one small request through the front door, after a deployment."""

from __future__ import annotations

import json
import time
from typing import Annotated, Final

import typer

from endpointctl.aws import Aws
from endpointctl.aws_failure import as_failure
from endpointctl.client import Client
from endpointctl.client.http_api import API_KEY_VARIABLE
from endpointctl.failure import Failure
from endpointctl.output import show
from stacks import settings

_BODIES: Final = {
    "embed": {"texts": ["Hello"], "input_type": "search_query"},
    "rerank": {"query": "Hello", "documents": ["Hello", "Goodbye"]},
}
"""What is sent to containers that have no proxy."""


def smoke(
    env: Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")] = "dev",
    api_key: Annotated[
        str | None, typer.Option(help="For a REST API with API keys.", envvar=API_KEY_VARIABLE, show_envvar=True)
    ] = None,
) -> None:
    """Send one small request through the front door; exit above 0 unless the model answers.

    Without a proxy, the request goes to the endpoint itself. The exit codes are those of `generate`.
    """
    environment = settings.read(env)
    started = time.monotonic()
    if environment.has_proxy:
        client = Client.connect(env, api_key=api_key)
        answer = client.generate("Say hello:", max_tokens=5)
        if not answer.texts:
            raise Failure(f"{env}: the proxy answered without a text")
        where = "through the proxy"
    else:
        name = environment.endpoint.name
        body = _BODIES.get(environment.api or "")
        if body is None:
            raise Failure(f"{env}: no request is known for this package: call {name} with InvokeEndpoint yourself")
        runtime = Aws(environment.region).client("sagemaker-runtime")
        with as_failure():
            runtime.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=json.dumps(body))
        where = f"at the endpoint {name}"
    show(f"{env}: answered {where} in {time.monotonic() - started:.1f} s")
