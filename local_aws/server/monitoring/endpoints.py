"""What SageMaker tells about endpoints by itself: a metric of each instance each minute, and events of their states.

Sources: docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html;
docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from local_aws.server import cloudwatch, emulator
from local_aws.server.sagemaker.endpoint import Endpoint

REPORTED: Final = ("CPUUtilization", "MemoryUtilization", "GPUUtilization", "GPUMemoryUtilization")
"""What each instance reports. There are no instances: that they report is known, their values are 0."""

_MOST_MINUTES: Final = 30
"""How far back reports are made up when the clock moves."""


class EndpointReports:
    """The reports of the endpoints of every account and region.

    Args:
        endpoints: returns those of the present account and region.
        send: sends an event to the default bus.

    """

    def __init__(self, endpoints: Callable[[], list[Endpoint]], send: Callable[[Mapping[str, Any]], None]) -> None:
        self._endpoints = endpoints
        self._send = send
        self._minutes: dict[tuple[str, str, str], int] = {}
        self._lock = threading.Lock()
        self._states: dict[tuple[str, str], tuple[str, str]] = {}

    def instances(self) -> None:
        """Report each instance once for each minute that has begun; an endpoint that was gone begins anew."""
        with self._lock:
            self._report_all()

    def _report_all(self) -> None:
        minute, here, seen = int(cloudwatch.now() // 60), emulator.account() + emulator.region(), set()
        for endpoint in self._endpoints():
            fleet = endpoint.serving
            for variant in fleet.variants if fleet else ():
                dimensions = {"EndpointName": endpoint.name, "VariantName": variant["VariantName"]}
                key = (here, endpoint.arn, variant["VariantName"])
                seen.add(key)
                first = max(self._minutes.get(key, minute - 1), minute - _MOST_MINUTES) + 1
                self._minutes[key] = minute
                for at in range(first, minute + 1):
                    self._report(dimensions, at * 60, variant["InitialInstanceCount"])
        for key in [key for key in self._minutes if key[0] == here and key not in seen]:
            del self._minutes[key]

    def _report(self, dimensions: dict[str, str], at: float, instances: int) -> None:
        for name in REPORTED:
            cloudwatch.record_metric("/aws/sagemaker/Endpoints", name, 0, "Percent", dimensions, at=at, count=instances)

    def states(self) -> None:
        """Send an event for each endpoint whose status or config has changed since the last call."""
        for endpoint in self._endpoints():
            described = endpoint.description(endpoint.status)
            key = (emulator.account() + emulator.region(), endpoint.arn)
            state = (described["EndpointStatus"], described["EndpointConfigName"])
            if self._states.get(key) == state:
                continue
            self._states[key] = state
            detail = {
                "EndpointName": endpoint.name,
                "EndpointArn": endpoint.arn,
                "EndpointConfigName": state[1],
                "EndpointStatus": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", state[0]).upper(),
            }
            self._send(
                {
                    "Source": "aws.sagemaker",
                    "DetailType": "SageMaker Endpoint State Change",
                    "Resources": [endpoint.arn],
                    "Detail": json.dumps(detail),
                }
            )
