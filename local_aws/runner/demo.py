"""``make demo``: the main job from nothing to answers and back to nothing, on the local cloud."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

import boto3
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from endpointctl.aws import Aws
from endpointctl.client import Client
from endpointctl.completion import Completion
from endpointctl.failure import Failure
from local_aws.runner import article, cloud
from local_aws.runner.cloud import Cloud, CloudError
from local_aws.runner.journey import ENVIRONMENT, Journey, StepError

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
            journey = Journey(local, console)
            console.print(f"The local cloud listens on {local.url}; nothing leaves this machine.")
            journey.bootstrap()
            journey.deploy()
            answers = _generate(local, journey)
            journey.destroy()
            with journey.step("look for what is left") as result:
                result.append(_left())
    except (CloudError, StepError, Failure) as error:
        explain(error)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: the local cloud is gone\n")
        raise SystemExit(130) from None
    console.print(_table(answers))
    console.print("The texts are a small n-gram model's, not Cohere's: see local_aws/container/README.md.")


def exit_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind like Ctrl-C, also where a shell started us with SIGINT ignored."""

    def stop(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def explain(error: Exception) -> NoReturn:
    """Print why it stopped, after the end of what the failed command printed, and exit 1."""
    output = error.output if isinstance(error, StepError) else ""
    for line in output.strip().splitlines()[-40:]:
        sys.stderr.write(f"  | {line}\n")
    sys.stderr.write(f"stopped: {error}\n")
    raise SystemExit(1) from None


def connect(local: Cloud) -> Client:
    """Return a client of the proxy that is deployed on the local cloud."""
    os.environ.update(local.variables())
    aws = Aws(cloud.REGION)
    return Client(aws.proxy_url(ENVIRONMENT), aws.credentials(), cloud.REGION, attempts=1)


def _generate(local: Cloud, journey: Journey) -> list[tuple[str, dict[str, Any], Completion]]:
    proxy = connect(local)
    answers = []
    for study, requests in _STUDIES.items():
        with journey.step(f"POST /v1/generate: the article's {study}") as result:
            answered = [(study, request, proxy.generate(**request)) for request in requests]
            result.append(f"{len(answered)} answers")
        answers += answered
    return answers


def _left() -> str:
    """Say what the account still holds.

    Raises:
        StepError: something that costs money is still there.

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


def _table(answers: list[tuple[str, dict[str, Any], Completion]]) -> Table:
    table = Table("study", "max_tokens", "temperature", "tokens", "characters", "text", box=box.SIMPLE, show_lines=True)
    for study, request, completion in answers:
        text = completion.texts[0]
        numbers = [str(n) for n in (request["max_tokens"], request["temperature"], completion.tokens, len(text))]
        table.add_row(study, *numbers, escape(text.strip()))
    return table


if __name__ == "__main__":
    main()
