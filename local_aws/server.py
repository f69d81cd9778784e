"""The local cloud's server process: MiniStack with SageMaker added. Started by ``local_aws.cloud``, in its own venv."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

# The catalogue and the instance types are the construct library's data: MiniStack's environment has no CDK.
sys.path.insert(0, str(Path(__file__).parent.parent / "constructs"))

from local_aws import emulator, scaling
from local_aws.conditions import VARIABLE, ConditionsFile
from local_aws.container import Container
from local_aws.sagemaker.http import Frontend
from local_aws.sagemaker.resources import resource_types
from local_aws.sagemaker.service import SageMaker


def _end_with_parent() -> None:
    """End when whoever holds the other end of stdin is gone, even if it was killed and could not tell."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Add what MiniStack lacks, then serve until told to stop.

    Reads ``LOCAL_AWS_ENDPOINT_SECONDS`` (how long an endpoint takes to change; default 1), ``LOCAL_AWS_OPENAI_URL``
    and ``LOCAL_AWS_OPENAI_MODEL`` (an OpenAI-compatible server to ask instead of the built-in model; default none).
    """
    conditions = ConditionsFile(os.environ.get(VARIABLE))
    registry = scaling.Registry()
    seconds = float(os.environ.get("LOCAL_AWS_ENDPOINT_SECONDS", "1"))
    sagemaker = SageMaker(seconds, conditions, is_scaled=registry.has_target)
    container = Container.from_settings(
        os.environ.get("LOCAL_AWS_OPENAI_URL"), os.environ.get("LOCAL_AWS_OPENAI_MODEL")
    )
    for resource in [*resource_types(sagemaker), *registry.resource_types()]:
        emulator.add_resource_type(resource)
    emulator.let_resources_wait()
    emulator.add_service("sagemaker", Frontend(sagemaker, container, conditions).answer)
    emulator.count_plain_http_as_tls()
    emulator.on_reset(sagemaker.clear)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    emulator.serve()


if __name__ == "__main__":
    main()
