"""``make demo``: bootstrap, deploy, generate and destroy on the local cloud."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import boto3
from rich.console import Console

from endpointctl.aws import Aws
from endpointctl.client import Client
from endpointctl.failure import Failure
from local_aws.conditions import Conditions, set_conditions
from local_aws.runner import answers, article, cloud, other_endpoints
from local_aws.runner.answers import Answer
from local_aws.runner.cloud import ROOT, RUNS, Cloud, CloudError
from local_aws.runner.journey import ENVIRONMENT as LOCAL
from local_aws.runner.journey import Journey, StepError
from sagemaker_llm import ModelPackage
from stacks.settings import read

FULL_TEXTS = RUNS / "demo-answers.md"
"""The file with the full texts of the last demo."""

ENVIRONMENT = "demo"
_QUESTION = "Write a LinkedIn post about my first job."
_CHAT_GPU = "ml.p5.48xlarge"
_STUDIES = {
    "sample": [article.SAMPLE],
    "max_tokens": article.TOKEN_STUDY,
    "temperature": article.TEMPERATURE_STUDY,
}


def main() -> None:
    """Run the demo; exit 1 with the reason when a step fails."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=140)
    exit_on_signals()
    try:
        with cloud.running() as local:
            journey = Journey(local, console, ENVIRONMENT)
            console.print(f"The local cloud listens on {local.url}; nothing leaves this machine.")
            journey.bootstrap()
            journey.deploy()
            proxy = connect(local, ENVIRONMENT)
            found = _generate(proxy, journey)
            # The stand-in writes a whole answer at once: a reader sees words arrive at this pace.
            set_conditions(Conditions(part_delay_seconds=0.03), local.conditions)
            _chat(proxy, journey, console)
            journey.destroy()
            with journey.step("check that nothing is left") as result:
                result.append(_left())
    except (CloudError, StepError, Failure) as error:
        explain(error)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: the local cloud is gone\n")
        raise SystemExit(130) from None
    answers.write(found, FULL_TEXTS)
    console.print(answers.table(found))
    console.print(f"The full texts: {FULL_TEXTS.relative_to(ROOT)}", soft_wrap=True)
    console.print("A small n-gram model wrote them, not Cohere's: local_aws/container/README.md", soft_wrap=True)


def exit_on_signals() -> None:
    """Treat SIGTERM and SIGHUP like Ctrl-C, also when a shell started this process with SIGINT ignored."""

    def stop(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def explain(error: Exception) -> NoReturn:
    """Print the end of the failed command's output and the reason, and exit with code 1."""
    output = error.output if isinstance(error, StepError) else ""
    for line in output.strip().splitlines()[-40:]:
        sys.stderr.write(f"  | {line}\n")
    sys.stderr.write(f"stopped: {error}\n")
    raise SystemExit(1) from None


def connect(local: Cloud, environment: str = LOCAL) -> Client:
    """Return a client of the proxy that is deployed on the local cloud."""
    os.environ.update(local.variables())
    aws = Aws(cloud.REGION)
    return Client(aws.proxy_url(environment), aws.credentials(), cloud.REGION, attempts=1)


def _chat(proxy: Client, journey: Journey, console: Console) -> None:
    """Show a chat answer as it arrives, from another team's endpoint behind the same URL."""
    ((endpoint, served),) = read(ENVIRONMENT).proxy.endpoints.items()
    (model,) = served.models
    with journey.step(f"make the endpoint {endpoint}, another team's"):
        other_endpoints.make(endpoint, ModelPackage.from_catalog(model, _CHAT_GPU, cloud.REGION).arn, _CHAT_GPU)
        other_endpoints.wait_for([endpoint])
    request = {"model": model, "messages": [{"role": "user", "content": _QUESTION}], "max_tokens": 40}
    console.print(f"[bold]{_QUESTION}[/bold]", soft_wrap=True)
    # Without the line that moves: it would write over what has arrived.
    with journey.step(f"POST /v2/chat, streamed, model {model}", moving=False) as result:
        try:
            for text in _texts(proxy.stream("/v2/chat", request), result):
                console.out(text, end="", highlight=False)
        finally:
            console.print()
    other_endpoints.delete(endpoint)


def _texts(events: Iterable[Any], result: list[str]) -> Iterator[str]:
    """Yield the texts of a chat's events, and add to the result when the first one came."""
    began = time.monotonic()
    for event in events:
        if event["type"] == "content-delta":
            if not result:
                result.append(f"the first word after {time.monotonic() - began:.2f} s")
            yield event["delta"]["message"]["content"]["text"]
        elif event["type"] == "message-end" and "error" in event["delta"]:
            raise StepError(f"the stream failed: {event['delta']['error']}")


def _generate(proxy: Client, journey: Journey) -> list[Answer]:
    found = list[Answer]()
    for study, requests in _STUDIES.items():
        with journey.step(f"POST /v1/generate: the article's {study}") as result:
            answered = [Answer(study, request, proxy.generate(**request)) for request in requests]
            result.append(f"{len(answered)} answer{'s' * (len(answered) > 1)}")
        found += answered
    return found


def _left() -> str:
    """Describe what the account still has.

    Raises:
        StepError: something that AWS bills is still there.

    """
    sagemaker = boto3.client("sagemaker", region_name=cloud.REGION)
    endpoints = sagemaker.list_endpoints()["Endpoints"]
    configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    models = sagemaker.list_models()["Models"]
    if endpoints or configs or models:
        raise StepError(f"left behind: {len(endpoints)} endpoints, {len(configs)} configs, {len(models)} models")
    stacks = boto3.client("cloudformation", region_name=cloud.REGION).list_stacks(
        StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_FAILED"]
    )
    names = [stack["StackName"] for stack in stacks["StackSummaries"]]
    return f"no endpoint, no config, no model; stacks: {', '.join(names) or 'none'}"


if __name__ == "__main__":
    main()
