"""How an invocation fails: the runtime's own errors, and those of the container as the runtime wraps them."""

from __future__ import annotations

from local_aws.server import emulator
from local_aws.server.errors import AwsError

SLOW_SECONDS = 70.0
"""How long the fault ``Slow`` takes: longer than any caller should wait."""

STREAM_FAULTS = ("ModelInvocationTimeExceeded", "StreamBroken", "InternalStreamFailure")
"""What happens in the middle of a stream; without a meaning for whole answers."""

# Status by error; botocore's model of sagemaker-runtime. Throttling has a null message
# (opensearch-project/ml-commons#2429).
_STATUS = {
    "ThrottlingException": 400,
    "ModelNotReadyException": 429,
    "InternalFailure": 500,
    "ServiceUnavailable": 503,
    "InternalDependencyException": 530,
}
# Wording from amazon-sagemaker-examples#799; the container's status is then 0.
_TIMED_OUT = (
    b"Your invocation timed out while waiting for a response from container primary. Review the latency metrics"
)


def before_the_model(fault: str | None) -> None:
    """Raise a fault of the runtime itself.

    Raises:
        AwsError: the fault, when it is one of these.

    """
    if fault in _STATUS:
        message = None if fault == "ThrottlingException" else ""
        raise AwsError(str(fault), message, status=_STATUS[str(fault)])


def in_the_model(endpoint: str, fault: str | None, *, timed_out: bool) -> None:
    """Raise a fault of the container.

    Raises:
        AwsError: ``ModelError``, when there is one, or when it took too long.

    """
    if timed_out or fault == "ModelErrorTimeout":
        raise model_error(endpoint, 0, _TIMED_OUT)
    if fault and fault.startswith("ModelError"):
        raise model_error(endpoint, int(fault.removeprefix("ModelError")), b'{"message": "a fault on demand"}')


def model_error(endpoint: str, status: int, answer: bytes) -> AwsError:
    """Wrap the container's error as the runtime does; the text holds the account and a log link, as on AWS."""
    region, original = emulator.region(), answer.decode()
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
