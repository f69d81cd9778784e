"""The function's entry point: one event, one decision, one line of JSON with its metrics.

Events and answers: see ``handler``. It imports little, and makes only the clients that an event needs: its cold start
is that of any function with boto3.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from power.cloud import Cloud
from power.outcome import Limits, Outcome, iso
from power.switch import Switch

NAMESPACE: Final = "CohereProxy"
"""The namespace of all of the project's metrics."""

DIMENSION: Final = "Environment"


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own
    """Act on an event.

    Args:
        event: ``action``: wake, sleep, extend, status or tick; ``by``: who asks, e.g. person, office hours, request;
            ``minutes``: how long, for wake and extend; ``time``: of office hours, when it was to come, in ISO 8601.
        context: Lambda's context; its function ARN is the target of the lease.

    Returns:
        ``result``, ``awake``, ``endpoint``, ``stack``, ``until``, ``message``; see ``Outcome``.

    """
    cloud = Cloud(dict(os.environ), context.invoked_function_arn)
    switch = Switch(cloud, limits(dict(os.environ)), os.environ["STACK"], time.time())
    try:
        outcome = switch.act(event)
        answer = {"result": outcome.result, **_state(cloud), "message": outcome.message}
    except (ClientError, BotoCoreError) as error:
        outcome = _failure(event, error)
        answer = {"result": outcome.result, **_UNKNOWN, "message": outcome.message}
    _log(event, answer, outcome)
    return answer


_UNKNOWN: Final = {"awake": False, "endpoint": None, "stack": "", "until": None}


def limits(environment: dict[str, str]) -> Limits:
    """Return the settings in the environment variables."""
    periods = (period.partition("/") for period in environment.get("EXCEPTED", "").split())
    numbers = ("DEFAULT_MINUTES", "MAX_MINUTES", "OFFICE_MINUTES", "IDLE_MINUTES", "WAKES_PER_DAY", "REQUEST_MINUTES")
    values: dict[str, Any] = {name.lower(): int(environment.get(name) or 0) for name in numbers}
    return Limits(**values, excepted=tuple((float(start), float(end)) for start, _, end in periods))


def _state(cloud: Cloud) -> dict[str, Any]:
    stack, lease = cloud.stack(), cloud.lease()
    until = iso(lease.until) if lease and lease.wakes else None
    return {"awake": stack.awake, "endpoint": cloud.endpoint(), "stack": stack.status, "until": until}


def _failure(event: dict[str, Any], error: Exception) -> Outcome:
    """Return the outcome of a call that AWS refused, in AWS's own words: they name the permission."""
    message = " ".join(str(error).split())[:500]
    action = event.get("action")
    fails = {"wake_failed": action in ("wake", "tick"), "sleep_failed": action == "sleep"}
    return Outcome("failed", f"AWS refused: {message}", **fails)


def _log(event: dict[str, Any], answer: dict[str, Any], outcome: Outcome) -> None:
    counts = {"WakeFailures": int(outcome.wake_failed), "SleepFailures": int(outcome.sleep_failed)}
    metrics = [{"Name": name, "Unit": "Count"} for name in counts]
    definition = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}
    line = {
        "level": "ERROR" if any(counts.values()) else "INFO",
        "message": "power",
        "action": event.get("action"),
        "by": event.get("by"),
        **{name: value for name, value in answer.items() if name != "message"},
        "detail": answer["message"],
        DIMENSION: os.environ["ENVIRONMENT"],
        **counts,
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [definition]},
    }
    print(json.dumps(line), flush=True)
