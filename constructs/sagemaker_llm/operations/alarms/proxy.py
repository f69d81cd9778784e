"""What can be wrong with a proxy, and with the REST API in front of it."""

from __future__ import annotations

from sagemaker_llm.operations.alarms.alarm import Alarm, Series, share
from sagemaker_llm.operations.alarms.endpoint import Thresholds
from sagemaker_llm.proxy import source

THROTTLE_PERCENT = 10
"""The share of throttled requests that is too large: clients repeat a 429 after a pause, so a few of them are normal
in a burst."""


def proxy_alarms(environment: str, function_name: str, thresholds: Thresholds) -> list[Alarm]:
    """Return the alarms of a proxy.

    Args:
        environment: the value of its metrics' dimension.
        function_name: its function's.
        thresholds: when they fire.

    """
    requests = of_environment(environment, "Requests")
    errors, errors_share = share(of_environment(environment, "ServerErrors"), requests)
    throttles, throttles_share = share(of_environment(environment, "Throttles"), requests)
    percent = thresholds.error_percent
    return [
        Alarm(
            "proxy-errors",
            f"More than {percent:g} % of the requests fail in the proxy or behind it, time-outs included.",
            errors,
            percent,
            errors_share,
        ),
        Alarm(
            "proxy-throttles",
            f"More than {THROTTLE_PERCENT} % of the requests get 429: there is more load than capacity.",
            throttles,
            THROTTLE_PERCENT,
            throttles_share,
        ),
        Alarm(
            "proxy-ends",
            "Lambda ended the proxy three times in five minutes: a time-out, no memory, or no start.",
            {"errors": _of_function(function_name, "Errors")},
            3,
            comparison="GreaterThanOrEqualToThreshold",
            periods=1,
            breaching=1,
        ),
        Alarm(
            "proxy-concurrency",
            "Lambda refuses requests: more at once than the concurrency of the function or of the account.",
            {"throttles": _of_function(function_name, "Throttles")},
            LAMBDA_THROTTLES,
        ),
    ]


LAMBDA_THROTTLES = 10
"""The requests in five minutes that Lambda may refuse. The proxy does not see them, so there is no share of them."""


def rest_api_alarms(
    api_name: str, stage: str, thresholds: Thresholds, *, deadline_seconds: float, sleeping: str = ""
) -> list[Alarm]:
    """Return the alarms of a REST API.

    Args:
        api_name: the API's name, which is its metrics' dimension.
        stage: its stage.
        thresholds: when they fire.
        deadline_seconds: API Gateway's own time-out.
        sleeping: the endpoint that may sleep, whose proxy then answers 503, which is no failure; default none.

    """

    def series(name: str, statistic: str = "Sum") -> Series:
        return Series("AWS/ApiGateway", name, {"ApiName": api_name, "Stage": stage}, statistic)

    errors, errors_share = share(series("5XXError"), series("Count"))
    if sleeping:
        errors["asleep"] = Series(*proxy_metric("Asleep"), {source.metrics_names()[1]: sleeping})
        errors_share = errors_share.replace("FILL(errors,0)", "(FILL(errors,0)-FILL(asleep,0))")
    percent, limit = thresholds.error_percent, thresholds.latency_percent / 100 * deadline_seconds
    return [
        Alarm(
            "api-errors",
            f"More than {percent:g} % of the requests get a 5XX from API Gateway.",
            errors,
            percent,
            errors_share,
        ),
        Alarm(
            "api-latency",
            f"One request in ten takes longer than {limit:g} s of API Gateway's {deadline_seconds:g} s.",
            {"latency": series("Latency", "p90")},
            limit * 1000,
        ),
    ]


def switch_alarms(environment: str) -> list[Alarm]:
    """Return the alarms of the switch, because nobody sees these failures.

    A failed wake-up leaves callers without a model; a failed sleep leaves GPUs that nobody uses, and that are billed.
    """
    failures = {
        "wake-failures": ("The endpoint did not wake up.", "WakeFailures"),
        "sleep-failures": ("The endpoint ran on when it was to sleep.", "SleepFailures"),
    }
    return [
        Alarm(name, said, {"failures": of_environment(environment, metric)}, 0, periods=1, breaching=1)
        for name, (said, metric) in failures.items()
    ]


def of_environment(environment: str, name: str, **more: str) -> Series:
    """Return a metric that the functions of an environment write, with its further dimensions."""
    return Series(*proxy_metric(name), {"Environment": environment, **more})


def proxy_metric(name: str) -> tuple[str, str]:
    """Return the namespace and the name of a metric that the functions write."""
    return source.metrics_names()[0], name


def _of_function(function_name: str, name: str) -> Series:
    return Series("AWS/Lambda", name, {"FunctionName": function_name})
