"""Evaluates alarms each minute of the clock, and carries out their actions.

One of the modules that use MiniStack's private names: its alarms know neither dimensions nor missing data nor M of N,
and are evaluated only when somebody puts a metric.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch, eventbridge, lambda_svc

from local_aws.server.clock import Clock
from local_aws.server.monitoring import caller, evaluation, metric_math, publishing, series

Alarm = dict[str, Any]

TICK_SECONDS = 0.2
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


def start(clock: Clock, before: Callable[[], None]) -> None:
    """Evaluate alarms from now on, in a thread of its own, which does nothing while there are none.

    Args:
        clock: decides when a minute is over.
        before: called before alarms are evaluated, as their account and region's caller.

    """
    cloudwatch._evaluate_alarm = lambda _alarm: None
    cloudwatch._evaluate_all_alarms = lambda: None
    cloudwatch._dispatch_alarm_actions = _carry_out

    def run() -> None:
        while True:
            time.sleep(TICK_SECONDS)
            tick(clock, before)

    threading.Thread(target=run, daemon=True).start()


def tick(clock: Clock, before: Callable[[], None]) -> None:
    """Evaluate each alarm that was not evaluated in this minute of the clock."""
    minute = clock.now() // 60
    waiting = [key for key, alarm in list(cloudwatch._alarms._data.items()) if alarm.get("_minute") != minute]
    for account, region in dict.fromkeys(key[:2] for key in waiting):
        caller.work_in(account, region)
        before()
        for name in [key[2] for key in waiting if key[:2] == (account, region)]:
            if alarm := cloudwatch._alarms.get(name):
                alarm["_minute"] = minute
                alarm.setdefault("_since", clock.now())
                _evaluate(alarm, minute * 60)


def _evaluate(alarm: Alarm, end: float) -> None:
    periods = int(alarm["EvaluationPeriods"])
    try:
        values = series.of_alarm(alarm, periods + evaluation.SPARE_PERIODS, end)
    except metric_math.MathError:
        return
    if _warms_up(alarm, values[:periods], end):
        return
    new, old = evaluation.state(alarm, values), alarm["StateValue"]
    if new is None or new == old:
        return
    shown = ", ".join("missing" if value is None else f"{value:g}" for value in values[:periods])
    reason = f"Threshold Crossed: the datapoints [{shown}] against the threshold ({alarm['Threshold']:g})."
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(cloudwatch.time.time()))
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
    _carry_out(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _warms_up(alarm: Alarm, values: list[float | None], end: float) -> bool:
    """Return whether an alarm still waits for its first data; enough of them end the wait.

    Source: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html.
    """
    warm = alarm.get("WarmUpConfiguration")
    if not warm or end - alarm["_since"] >= 60 * int(warm["WarmUpPeriodDurationInMinutes"]):
        return False
    return bool(warm.get("OnlyStartEvaluatingAfterWarmUpPeriodEnds")) or None in values


_notify_topics = cloudwatch._dispatch_alarm_actions


def _carry_out(alarm: Alarm, old: str, new: str, reason: str) -> None:
    """Send the event of a new state, and carry out its actions: topics and functions."""
    at = datetime.fromtimestamp(cloudwatch.time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    data = {
        "alarmName": alarm["AlarmName"],
        "state": {"value": new, "reason": reason, "timestamp": at},
        "previousState": {"value": old},
        "configuration": {"description": alarm.get("AlarmDescription", "")},
    }
    event = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Resources": [alarm["AlarmArn"]],
        "Detail": json.dumps(data),
    }
    eventbridge._put_events({"Entries": [event]}, allow_aws_source=True)
    arns = alarm.get(_ACTIONS[new]) or [] if alarm.get("ActionsEnabled", True) else []
    allowed = [arn for arn in arns if publishing.may_publish(arn, "cloudwatch.amazonaws.com", alarm["AlarmArn"])]
    _notify_topics({**alarm, _ACTIONS[new]: allowed}, old, new, reason)
    for arn in (one for one in arns if ":lambda:" in one and _may_invoke(one, alarm["AlarmArn"])):
        body = {"source": "aws.cloudwatch", "alarmArn": alarm["AlarmArn"], "time": at, "alarmData": data}
        where = {"accountId": responses.get_account_id(), "region": responses.get_region()}
        eventbridge._dispatch_to_lambda(arn, json.dumps({**body, **where}))


def _may_invoke(function: str, alarm: str) -> bool:
    """Return whether a function's policy allows an alarm to invoke it."""
    found = lambda_svc.function_policy_for_arn(function)
    for statement in found[0]["Statement"] if found else []:
        source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", alarm)
        if statement["Principal"] == {"Service": "lambda.alarms.cloudwatch.amazonaws.com"} and source == alarm:
            return True
    return False
