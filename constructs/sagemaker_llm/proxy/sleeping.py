"""What a proxy knows of an endpoint that sleeps at times."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from sagemaker_llm.durations import in_seconds, seconds
from sagemaker_llm.limits import check_range


@dataclass(frozen=True)
class Sleeping:
    """An endpoint that does not exist while it sleeps: its callers get 503 ``asleep`` instead of 424.

    Attributes:
        wake_time: how long it takes to wake, at least one minute, which callers get as ``retry-after``; default 15
            minutes. GPU endpoints take 10 to 20.
        wake_function_name: the function that wakes it, for a request that finds it asleep, of the stack's account and
            region; default none: requests do not wake it.

    Raises:
        OptionError: the time is too short, or longer than a day.

    """

    wake_time: Duration = field(default_factory=lambda: seconds(900))
    wake_function_name: str | None = None

    def __post_init__(self) -> None:
        check_range("wake_time", in_seconds(self.wake_time), 60, 86_400, unit="seconds")

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables of the proxy's function."""
        found = {"WAKE_SECONDS": str(int(in_seconds(self.wake_time)))}
        return {**found, "WAKE_FUNCTION": self.wake_function_name} if self.wake_function_name else found

    def grant_wake(self, function: lambda_.Function) -> None:
        """Allow the proxy's function to invoke the one that wakes the endpoint, and nothing else."""
        if not self.wake_function_name:
            return
        arn = Stack.of(function).format_arn(
            service="lambda",
            resource="function",
            resource_name=self.wake_function_name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        iam.Grant.add_to_principal(grantee=function, actions=["lambda:InvokeFunction"], resource_arns=[arn])
