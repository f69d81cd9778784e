"""The configured clients of an environment, as its metrics name them, and how many custom metrics there are.

It starts no CDK: the plan prices the metrics without.
"""

from __future__ import annotations

from sagemaker_llm.proxy import source
from stacks.names import key_beginning
from stacks.settings import Settings

OTHER = "other"
SWITCH_METRICS = 2
"""The metrics of the switch: failures to wake, and to sleep."""


def clients(settings: Settings) -> dict[str, str]:
    """Return the clients' names by what identifies them: see ``proxy/clients.py`` in the function's source."""
    rest = settings.proxy.rest_api
    if rest and rest.clients:
        return {key_beginning(name): name for name in rest.clients}
    return dict(_of_caller(caller) for caller in settings.proxy.callers)


def _of_caller(caller: str) -> tuple[str, str]:
    """Return what identifies an IAM caller, and its name: its last part."""
    name = caller.rsplit("/", 1)[-1]
    parts = caller.split(":")
    if len(parts) > 5 and parts[5].startswith("role/"):
        return f"{parts[4]}:{name}", name
    if len(parts) > 5 and parts[5] == "root":
        return parts[4], parts[4]
    return caller, name


def routes(settings: Settings) -> list[str]:
    """Return the names of the routes that are counted."""
    apis = {settings.api or "", *(one.api for one in settings.proxy.endpoints.values())}
    return [route.name for route in source.routes(apis) if route.name != "health"]


def answering(settings: Settings) -> list[str]:
    """Return the names of the routes whose answers are a model's."""
    apis = {settings.api or "", *(one.api for one in settings.proxy.endpoints.values())}
    return [route.name for route in source.routes(apis) if route.schema]


def custom_metrics(settings: Settings) -> int:
    """Return the most custom metrics that an environment publishes, each of which has a monthly price.

    CloudWatch bills a metric by the hours in which it was published: an unused route costs nothing.
    """
    if not settings.has_proxy:
        return 0
    endpoints = 1 + len(settings.proxy.endpoints)
    unused = set() if settings.proxy.streaming else {"TimeToFirstEvent", "StreamFailures"}
    if not settings.endpoint.sleep:
        unused.add("Asleep")
    found = endpoints * len(set(source.metric_names()) - unused)
    if settings.endpoint.sleep:
        found += SWITCH_METRICS
    if settings.alarms:
        named = len(set(clients(settings).values()))
        variants = sum(1 for _ in settings.variants()) + len(settings.proxy.endpoints)
        values = 1 + len(routes(settings)) + (named + 1 if named else 0) + variants
        found += values * len(source.detailed_metrics())
    return found
