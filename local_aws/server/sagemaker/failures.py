"""How an invocation fails: with the runtime's own errors, or with a container's error as the runtime wraps it."""

from __future__ import annotations

import json

from local_aws.faults import FaultKind
from local_aws.server import emulator
from local_aws.server.errors import AwsError

# Source: amazon-sagemaker-examples#799. The container's status is 0 then.
_TIMED_OUT = (
    b"Your invocation timed out while waiting for a response from container primary. Review the latency metrics"
)


def raise_before_model(fault: FaultKind | None) -> None:
    """Raise an error of the runtime itself, when the fault is one.

    Raises:
        AwsError: the fault.

    """
    if fault and fault.stage == "before_model" and fault.code:
        raise AwsError(fault.code, fault.message, status=fault.status)


def raise_in_model(endpoint: str, fault: FaultKind | None, *, timed_out: bool) -> None:
    """Raise an error of the container, when the fault is one or the container took too long.

    Raises:
        AwsError: ``ModelError``.

    """
    if timed_out:
        raise timeout(endpoint)
    if fault and fault.stage == "in_model" and fault.code:
        if fault.message is None:
            raise timeout(endpoint)
        raise model_error(endpoint, fault.status, json.dumps({"message": fault.message}).encode())


def timeout(endpoint: str) -> AwsError:
    """Return the error of a container that did not answer in time."""
    return model_error(endpoint, 0, _TIMED_OUT)


def model_error(endpoint: str, status: int, content: bytes) -> AwsError:
    """Wrap a container's error as the runtime does; the message holds the account and a log link, as on AWS."""
    region, original = emulator.region(), content.decode()
    side = "client" if 400 <= status < 500 else "server"
    message = (
        f'Received {side} error ({status}) from primary with message "{original}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group=/aws/sagemaker/"
        f"Endpoints/{endpoint} in account {emulator.account()} for more information."
    )
    log_stream = f"arn:aws:logs:{region}:{emulator.account()}:log-group:/aws/sagemaker/Endpoints/{endpoint}"
    fields: dict[str, object] = {
        "OriginalStatusCode": status,
        "OriginalMessage": original,
        "LogStreamArn": log_stream,
    }
    return AwsError("ModelError", message, status=424, fields=fields)
