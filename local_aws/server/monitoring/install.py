"""Puts the parts of monitoring into the server. One of the modules that use MiniStack's private names."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import eventbridge

from local_aws.server import cloudwatch
from local_aws.server.clock import Clock
from local_aws.server.monitoring import alarms, api, caller, embedded_metrics, publishing, resources
from local_aws.server.monitoring.endpoints import EndpointReports
from local_aws.server.sagemaker.endpoint import Endpoint


def complete(clock: Clock, endpoints: Callable[[], list[Endpoint]]) -> None:
    """Add what MiniStack's monitoring lacks.

    Args:
        clock: the clock of metrics and alarms.
        endpoints: returns the endpoints of the present account and region.

    """
    cloudwatch.use(clock)
    reports = EndpointReports(endpoints, _send)
    api.complete(reports.instances)
    resources.complete()
    embedded_metrics.extract()
    publishing.check_rules_too()
    alarms.start(clock, reports.instances)
    threading.Thread(target=_watch_states, args=(reports,), daemon=True).start()


def _send(event: Mapping[str, Any]) -> None:
    eventbridge._put_events({"Entries": [dict(event)]}, allow_aws_source=True)


def _watch_states(reports: EndpointReports) -> None:
    """Send the events of endpoints where there are rules that could want them."""
    while True:
        time.sleep(alarms.TICK_SECONDS)
        for account, region in dict.fromkeys(key[:2] for key in list(eventbridge._rules._data)):
            caller.work_in(account, region)
            reports.states()
