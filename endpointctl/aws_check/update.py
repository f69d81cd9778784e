"""The probe that updates the endpoint: whether a new fleet starts when only its own properties change."""

from __future__ import annotations

import time
from typing import Final

from endpointctl.aws_check.account import Account

_POLL_SECONDS: Final = 5.0
_LONGEST_SECONDS: Final = 3600.0


def retained_update(account: Account) -> str:
    """Update the endpoint to its present config with RetainAllVariantProperties, and watch it for an hour at most.

    This is the update that turning autoscaling on sends. It changes nothing of what is billed; but SageMaker may start
    a second fleet for it, which is billed, and needs its quota, until it has replaced the first one.
    """
    name = account.endpoint
    before = account.sagemaker.describe_endpoint(EndpointName=name)
    if before["EndpointStatus"] != "InService":
        return f"not asked: the endpoint is {before['EndpointStatus']}"
    account.sagemaker.update_endpoint(
        EndpointName=name, EndpointConfigName=before["EndpointConfigName"], RetainAllVariantProperties=True
    )
    began, second_fleet = time.monotonic(), False
    while True:
        found = account.sagemaker.describe_endpoint(EndpointName=name)
        seconds = time.monotonic() - began
        second_fleet = second_fleet or "PendingDeploymentSummary" in found
        if found["EndpointStatus"] != "Updating" or seconds > _LONGEST_SECONDS:
            fleet = "a" if second_fleet else "no"
            return f"{found['EndpointStatus']} after {seconds:.0f} s, with {fleet} PendingDeploymentSummary"
        time.sleep(_POLL_SECONDS)
