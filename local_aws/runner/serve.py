"""``make local``: the local cloud, deployed and kept up until Ctrl-C, with the ways to call it."""

from __future__ import annotations

import argparse
import shlex
import signal

from rich.console import Console

from endpointctl.aws import Aws
from endpointctl.failure import Failure
from local_aws.runner import article, cloud
from local_aws.runner.cloud import Cloud, CloudError
from local_aws.runner.demo import connect, exit_on_signals, explain
from local_aws.runner.journey import ENVIRONMENT, Journey, StepError


def main() -> None:
    """Serve until interrupted; exit 1 with the reason when it cannot be started."""
    parser = argparse.ArgumentParser(prog="make local", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1 (default: a free port)")
    arguments = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    exit_on_signals()
    try:
        with cloud.running(port=arguments.port) as local:
            journey = Journey(local, console)
            journey.bootstrap()
            journey.deploy()
            with journey.step("generate") as result:
                result.append(f"{len(connect(local).generate(**article.SAMPLE).texts[0])} characters")
            variables = cloud.RUNS / "env"
            variables.write_text(_exports(local), encoding="utf-8")
            try:
                console.print(_ways_to_call(local), markup=False)
                signal.pause()
            finally:
                variables.unlink(missing_ok=True)
    except (CloudError, StepError, Failure) as error:
        explain(error)
    except KeyboardInterrupt:
        console.print("\nThe local cloud is gone, with all that was in it.")


def _exports(local: Cloud) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in local.variables().items())


def _ways_to_call(local: Cloud) -> str:
    url = Aws(cloud.REGION).proxy_url(ENVIRONMENT).rstrip("/")
    host = url.partition("//")[2]
    port = local.url.rpartition(":")[2]
    return f"""
The local cloud is up: {local.url}
  generate    POST {url}/v1/generate, reached at {local.url} with the header Host: {host}
  SageMaker   {local.url} (endpoint cohere-local)

In another terminal, in this folder:

  . .local-cloud/env

  # the project's own command
  .venv/bin/python -m endpointctl generate "{article.PROMPT}" --env {ENVIRONMENT} --temperature 0.9

  # curl, signed
  curl --connect-to ::127.0.0.1:{port} http://{host}/v1/generate \\
    --aws-sigv4 aws:amz:{cloud.REGION}:lambda --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
    -H 'content-type: application/json' -d '{{"prompt": "{article.PROMPT}", "max_tokens": 100}}'

  # AWS CLI, past the proxy
  aws sagemaker-runtime invoke-endpoint --endpoint-name cohere-local --content-type application/json \\
    --cli-binary-format raw-in-base64-out --body '{{"prompt": "Hello", "max_tokens": 20}}' /dev/stdout

  # boto3, past the proxy
  .venv/bin/python -c 'import boto3; print(boto3.client("sagemaker-runtime").invoke_endpoint(
    EndpointName="cohere-local", ContentType="application/json", Body="{{\\"prompt\\": \\"Hello\\"}}")["Body"].read())'

  # make it fail: no capacity, no quota, not subscribed, faults of the runtime (docs/local-cloud.md)
  .venv/bin/python -m local_aws.conditions '{{"faults": [{{"error": "ThrottlingException", "times": 3}}]}}'

Ctrl-C ends it."""


if __name__ == "__main__":
    main()
