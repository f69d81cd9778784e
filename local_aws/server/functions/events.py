"""The queue of asynchronous invocations. One of the modules that use MiniStack's private names.

Source: docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: a throttled event goes back to the
queue, for up to six hours, and does not count as an attempt.
"""

from __future__ import annotations

import json
import time
from contextvars import ContextVar
from typing import Any, Final

from ministack.services import eventbridge, lambda_svc

# On AWS the waits grow from one second to five minutes.
_FIRST_WAIT_SECONDS: Final = 0.1
_LONGEST_WAIT_SECONDS: Final = 1.0
_MOST_AGE_SECONDS: Final = 21_600
_give_up_at: ContextVar[float | None] = ContextVar("local_aws_event_age", default=None)


def complete() -> None:
    """Let throttled events wait, and let EventBridge's rules put events into the same queue."""
    original, execute = lambda_svc.invoke_async_with_retry, lambda_svc._execute_function

    def invoke(function: dict[str, Any], event: Any) -> None:  # noqa: ANN401 - JSON
        token = _give_up_at.set(time.monotonic() + _most_age(function))
        try:
            original(function, event)  # its thread copies the context
        finally:
            _give_up_at.reset(token)

    def run(function: dict[str, Any], event: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        until, wait = _give_up_at.get(), _FIRST_WAIT_SECONDS
        result: dict[str, Any] = execute(function, event)
        while until and result.get("throttle") and time.monotonic() + wait < until:
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
            result = execute(function, event)
        return result

    lambda_svc.invoke_async_with_retry, lambda_svc._execute_function = invoke, run
    eventbridge._dispatch_to_lambda = _from_rule


def _most_age(function: dict[str, Any]) -> float:
    configs = function.get("event_invoke_configs") or {}
    config = function.get("event_invoke_config") or configs.get("$LATEST") or {}
    return float(config.get("MaximumEventAgeInSeconds") or _MOST_AGE_SECONDS)


def _from_rule(arn: str, payload: str) -> None:
    """Invoke a rule's target, when its resource policy allows EventBridge to."""
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        eventbridge.logger.warning("EventBridge: function %s not found", name)
        return
    statements = (function.get("policy") or {}).get("Statement", [])
    # The conditions of a statement are not checked.
    allowed = ({"Service": "events.amazonaws.com"}, "*")
    if not any(one.get("Principal") in allowed for one in statements):
        eventbridge.logger.warning("EventBridge: %s does not allow events.amazonaws.com to invoke it", name)
        return
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), json.loads(payload))
