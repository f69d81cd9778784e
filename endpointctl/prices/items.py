"""What an environment costs beside its instances: fixed items a month, and items for every million requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from endpointctl.changes import CONFIG, Template
from endpointctl.prices.amount import Amount
from endpointctl.prices.price_list import PriceList, free_types
from endpointctl.prices.terms import MONTH_HOURS

Resource: TypeAlias = Mapping[str, Any]

_FUNCTION: Final = "AWS::Lambda::Function"
_STAGE: Final = "AWS::ApiGateway::Stage"
_WEB_ACL: Final = "AWS::WAFv2::WebACL"
_MONTH_SECONDS: Final = MONTH_HOURS * 3600
_MIB_PER_GB: Final = 1024


@dataclass(frozen=True)
class Item:
    """Something that is billed.

    Attributes:
        name: e.g. ``2 KMS keys``.
        usd: what it costs, in a month or for a million requests.

    """

    name: str
    usd: Amount


@dataclass(frozen=True)
class Load:
    """What is assumed of a request, because no template has it.

    Attributes:
        seconds: how long the proxy's function works on one.
        kilobytes: request and response together.
        log_kilobytes: one line of a log.

    """

    seconds: float = 5.0
    kilobytes: float = 4.0
    log_kilobytes: float = 1.0

    def __str__(self) -> str:
        return (
            f"a request of {self.seconds:g} s and {self.kilobytes:g} KB, "
            f"and a log line of {self.log_kilobytes:g} KB for each"
        )


def fixed(templates: Iterable[Template], prices: PriceList, custom_metrics: int = 0) -> list[Item]:
    """Return what is billed each month whether there are requests or not, beside the instances.

    Args:
        templates: the environment's.
        prices: the prices.
        custom_metrics: how many metrics its functions publish at most; default none.

    """
    counts: Counter[str] = Counter()
    amounts: dict[str, Amount] = {}
    for resource in _resources(templates):
        for name, count, usd in _priced(resource, prices):
            counts[name] += count
            amounts[name] = amounts.get(name, Amount()) + usd
    if custom_metrics:
        name = "custom metrics, in months in which each is published"
        counts[name], amounts[name] = custom_metrics, prices.of("custom_metric").amount.times(custom_metrics)
    return [Item(f"{counts[name]} x {name}", usd) for name, usd in amounts.items()]


def per_million(templates: Iterable[Template], prices: PriceList, load: Load) -> list[Item]:
    """Return what a million requests cost in addition, under what ``load`` assumes of them."""
    resources = list(_resources(templates))
    types = {one["Type"] for one in resources}
    log = prices.of("logs_ingestion").amount.times(load.log_kilobytes)  # a million KB are a thousand MB, one GB
    found = []
    if _STAGE in types:
        found.append(Item("REST API: requests", prices.of("rest_api_requests").amount))
        found.append(Item("REST API: access log", log))
    for web_acl in resources:
        if web_acl["Type"] == _WEB_ACL:
            found.append(Item("web ACL: requests", prices.of("web_acl_requests").amount))
    if any(one["Type"] == _STAGE and one["Properties"].get("TracingEnabled") for one in resources):
        found.append(Item("X-Ray: traces, at most one for each request", prices.of("traces").amount))
    for function in filter(_is_proxy, resources):
        memory = function["Properties"].get("MemorySize", 128) / _MIB_PER_GB
        seconds = prices.of(f"lambda_{_architecture(function)}").amount.times(1_000_000 * load.seconds * memory)
        found.append(Item("proxy: requests", prices.of("lambda_requests").amount))
        found.append(Item(f"proxy: {load.seconds:g} s of {memory:g} GB each", seconds))
        found.append(Item("proxy: log", log))
    for config in resources:
        if config["Type"] == CONFIG:
            data = prices.of("endpoint_data").amount.times(load.kilobytes)
            found.append(Item("endpoint: data in and out", data))
            capture = config["Properties"].get("DataCaptureConfig", {})
            if capture.get("EnableCapture"):
                share = capture.get("InitialSamplingPercentage", 100) / 100
                kept = prices.of("captured_data").amount.times(load.kilobytes * share)
                found.append(Item("captured data, for each month that it is kept", kept))
    return found


def is_listed(resource_type: str) -> bool:
    """Return whether the price of a resource type is known, or is known to be nothing."""
    return resource_type in _PRICED or resource_type in _PRICED_ELSEWHERE or resource_type in free_types()


def _resources(templates: Iterable[Template]) -> Iterator[Resource]:
    for template in templates:
        yield from template.get("Resources", {}).values()


def _priced(resource: Resource, prices: PriceList) -> Iterator[tuple[str, int, Amount]]:
    """Yield name, number and monthly price of what one resource is billed for."""
    kind = resource["Type"]
    if kind in _PRICED:
        yield from _PRICED[kind](resource.get("Properties", {}), prices)
    elif not is_listed(kind):
        yield kind, 1, Amount(unknown=(kind,))
    if _is_proxy(resource) and resource["Properties"].get("SnapStart", {}).get("ApplyOn") == "PublishedVersions":
        memory = resource["Properties"].get("MemorySize", 128) / _MIB_PER_GB
        cached = prices.of("snapstart_cache").amount.times(memory * _MONTH_SECONDS)
        yield "SnapStart's cache of a version", 1, cached


def _is_proxy(resource: Resource) -> bool:
    if resource["Type"] != _FUNCTION:
        return False
    return "ENDPOINT_NAME" in resource["Properties"].get("Environment", {}).get("Variables", {})


def _architecture(function: Resource) -> str:
    return str((function["Properties"].get("Architectures") or ["x86_64"])[0])


Priced: TypeAlias = Iterator[tuple[str, int, Amount]]


def _key(_properties: Resource, prices: PriceList) -> Priced:
    yield "KMS key", 1, prices.of("key").amount


def _web_acl(properties: Resource, prices: PriceList) -> Priced:
    rules = len(properties.get("Rules", []))
    yield "web ACL", 1, prices.of("web_acl").amount
    yield "rule of a web ACL", rules, prices.of("web_acl_rule").amount.times(rules)


def _alarm(properties: Resource, prices: PriceList) -> Priced:
    queries = properties.get("Metrics", [])
    statistics = [one["MetricStat"] for one in queries if "MetricStat" in one]
    # An alarm on anomaly detection is billed as three metrics: the metric and the two bounds of its band.
    band = any("ANOMALY_DETECTION_BAND" in str(one.get("Expression", "")) for one in queries)
    metrics = (len(statistics) if queries else 1) + (2 if band else 0)
    period = min([int(one["Period"]) for one in statistics] or [int(properties.get("Period", 60))])
    price = "alarm" if period >= 60 else "alarm_of_seconds"
    yield "metric of an alarm", metrics, prices.of(price).amount.times(metrics)


def _composite(_properties: Resource, prices: PriceList) -> Priced:
    yield "composite alarm", 1, prices.of("composite_alarm").amount


def _dashboard(_properties: Resource, prices: PriceList) -> Priced:
    yield "dashboard", 1, prices.of("dashboard").amount


_PRICED: Final[Mapping[str, Callable[[Resource, PriceList], Priced]]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _composite,
    "AWS::CloudWatch::Dashboard": _dashboard,
    "AWS::KMS::Key": _key,
    _WEB_ACL: _web_acl,
}

_PRICED_ELSEWHERE: Final = (
    CONFIG,  # the instances
    _FUNCTION,
    _STAGE,
    "AWS::Lambda::Version",  # SnapStart
    "AWS::Logs::LogGroup",  # by the line
    "AWS::S3::Bucket",  # by what lies in it
)
"""Billed by use: ``per_million`` has them, or the fleets."""
