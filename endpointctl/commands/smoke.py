"""``endpointctl smoke``: one small request through the front door, after a deployment."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer

from endpointctl.aws import Aws
from endpointctl.client import Client
from endpointctl.client.http_api import API_KEY_VARIABLE
from endpointctl.failure import Failure
from endpointctl.output import show
from stacks import settings

_REQUESTS: Final[dict[str, tuple[str, dict[str, Any], str]]] = {
    "generate": ("/v1/generate", {"prompt": "Say hello:", "max_tokens": 5}, "generations"),
    "chat": ("/v1/chat", {"message": "Say hello.", "max_tokens": 5}, "text"),
    "chat_v2": ("/v2/chat", {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 5}, "message"),
    "embed": ("/v1/embed", {"texts": ["Hello"], "input_type": "search_query"}, "embeddings"),
    "rerank": ("/v1/rerank", {"query": "Hello", "documents": ["Hello", "Goodbye"]}, "results"),
}
"""The route, the request and what its answer holds, by what the container answers."""


def smoke(
    env: Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")] = "dev",
    api_key: Annotated[
        str | None, typer.Option(help="For a REST API with API keys.", envvar=API_KEY_VARIABLE, show_envvar=True)
    ] = None,
) -> None:
    """Send one small request through the front door; exit above 0 unless the model answers.

    A model that sleeps is not woken: then only the proxy has to answer. The exit codes are those of `generate`.
    """
    environment = settings.read(env)
    started = time.monotonic()
    client = Client.connect(env, api_key=api_key)
    if environment.endpoint.sleep and Aws(environment.region).is_asleep(env):
        # Not asked: a request would wake the model where requests do, and a deployment wakes nothing.
        status, _ = client.get("/healthz")
        if status != 200:
            raise Failure(f"{env}: the proxy answered /healthz with the status {status}")
        show(f"{env}: the endpoint sleeps and was not woken; the front door and the proxy answered")
        return
    path, request, member = _REQUESTS[environment.api or "generate"]
    answer = client.ask(path, request)
    if not isinstance(answer, dict) or not answer.get(member):
        raise Failure(f"{env}: the proxy answered {path} without {member}")
    show(f"{env}: {path} answered in {time.monotonic() - started:.1f} s")
