"""``make local``: the local cloud, deployed and running until Ctrl-C, with the commands that call it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Final, NoReturn

from rich.console import Console

from endpointctl.aws import Aws
from endpointctl.failure import Failure
from local_aws.runner import article, cloud, env_file
from local_aws.runner.cloud import ROOT, Cloud, CloudError
from local_aws.runner.demo import connect, exit_on_signals, explain
from local_aws.runner.journey import ENVIRONMENT, Journey, StepError

_REFRESH_SECONDS: Final = 5.0


def main() -> None:
    """Serve until interrupted; exit 1 with the reason when the local cloud cannot be started."""
    parser = argparse.ArgumentParser(prog="make local", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1 (default: a free port)")
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
            with env_file.published(local) as own_file:
                url = Aws(cloud.REGION).proxy_url(ENVIRONMENT)
                console.print(commands(local, url, own_file), markup=False)
                _wait()
    except (CloudError, StepError, Failure) as error:
        explain(error)
    except KeyboardInterrupt:
        console.print("\nThe local cloud is gone, with everything in it.")


def _wait() -> NoReturn:
    """Wait for a signal; meanwhile repair ``.local-cloud/env`` when another local cloud was killed."""
    while True:
        time.sleep(_REFRESH_SECONDS)
        env_file.refresh()


def commands(local: Cloud, proxy_url: str, own_file: Path) -> str:
    """Return the text that shows how to call the local cloud.

    Args:
        local: the local cloud.
        proxy_url: the proxy's Function URL.
        own_file: this cloud's own file of variables.

    """
    url = proxy_url.rstrip("/")
    host = url.partition("//")[2]
    port = local.url.rpartition(":")[2]
    return f"""
The local cloud is up: {local.url}
  generate    POST {url}/v1/generate, at {local.url} with the header Host: {host}
  SageMaker   {local.url} (endpoint cohere-local)

In another terminal, in this folder:

  . .local-cloud/env    # the newest local cloud; always this one: . {_relative(own_file)}

  # the project's own command
  .venv/bin/python -m endpointctl generate "{article.PROMPT}" --env {ENVIRONMENT} --temperature 0.9

  # curl, signed
  curl --connect-to ::127.0.0.1:{port} http://{host}/v1/generate \\
    --aws-sigv4 aws:amz:{cloud.REGION}:lambda --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
    -H 'content-type: application/json' -d '{{"prompt": "{article.PROMPT}", "max_tokens": 100}}'

  # AWS CLI, version 1 or 2, without the proxy
  printf '{{"prompt": "Hello", "max_tokens": 20}}' > "$TMPDIR/request.json"
  aws sagemaker-runtime invoke-endpoint --endpoint-name cohere-local --content-type application/json \\
    --body "fileb://$TMPDIR/request.json" /dev/stdout

  # boto3, without the proxy
  .venv/bin/python -c 'import boto3; print(boto3.client("sagemaker-runtime").invoke_endpoint(
    EndpointName="cohere-local", ContentType="application/json", Body="{{\\"prompt\\": \\"Hello\\"}}")["Body"].read())'

  # make it fail: no capacity, no quota, no subscription, faults of the runtime (docs/local-cloud.md)
  .venv/bin/python -m local_aws.conditions '{{"faults": [{{"error": "ThrottlingException", "times": 3}}]}}'

Ctrl-C ends it."""


def _relative(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


if __name__ == "__main__":
    main()
