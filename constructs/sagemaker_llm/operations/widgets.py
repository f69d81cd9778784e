"""The widgets of the dashboard, in the order of its questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sagemaker_llm.operations.alarms.alarm import Series
from sagemaker_llm.operations.alarms.endpoint import INSTANCES, WatchedVariant
from sagemaker_llm.operations.alarms.proxy import of_environment, proxy_metric

Row: TypeAlias = list[Any]
WIDTH, HEIGHT = 12, 6
MINUTE, QUARTER = 60, 900
_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class PricedVariant:
    """A variant, and what its instances cost.

    Attributes:
        variant: the variant.
        instance_type: its type: the first one of several.
        usd_per_hour: the list price of an instance; None when it is not known.

    """

    variant: WatchedVariant
    instance_type: str
    usd_per_hour: float | None


@dataclass(frozen=True)
class Users:
    """Whose requests are counted.

    Attributes:
        environment: the value of the metrics' dimension.
        routes: the names of the routes.
        answering: those whose answers are the model's.
        clients: the names of the clients; empty when none are configured.

    """

    environment: str
    routes: Sequence[str]
    answering: Sequence[str]
    clients: Sequence[str] = ()


@dataclass(frozen=True)
class Content:
    """What a dashboard shows.

    Attributes:
        variants: the variants of the endpoint, the main one first.
        deadline_seconds: how long an answer may take.
        requests_per_instance: how many requests an instance answers at once.
        users: the proxy's callers; None without a proxy.
        sleeps: whether the endpoint can sleep.
        streams: whether the proxy streams.
        price_note: where the prices are from, and what they leave out.

    """

    variants: Sequence[PricedVariant]
    deadline_seconds: float
    requests_per_instance: int
    users: Users | None
    sleeps: bool
    streams: bool
    price_note: str


def widgets(content: Content, alarm_arns: Sequence[str], region: str) -> list[dict[str, Any]]:
    """Return the widgets at their places."""
    variants = [one.variant for one in content.variants]
    found = [_text(_intro(content), height=2), _alarms(alarm_arns)]
    found += [_requests(variants, content), _instances(variants, content), _latency(variants, content)]
    found += [_speed(content)] if content.users else [_overhead(variants)]
    found += [_concurrency(variants, content), _gpu(variants), _cost(content), _awake(content)]
    if content.users:
        found += _used(content.users)
    return _placed(found, region)


def _placed(widgets: list[dict[str, Any]], region: str) -> list[dict[str, Any]]:
    """Give the widgets their places: two in a row of 24 columns, wide ones alone."""
    x = y = height = 0
    for widget in widgets:
        if x + widget["width"] > 2 * WIDTH:
            x, y = 0, y + height
        widget.update(x=x, y=y)
        height, x = widget["height"], x + widget["width"]
        if widget["type"] == "metric":
            widget["properties"]["region"] = region
    return widgets


def _text(markdown: str, height: int) -> dict[str, Any]:
    return {"type": "text", "width": 2 * WIDTH, "height": height, "properties": {"markdown": markdown}}


def _intro(content: Content) -> str:
    name = content.variants[0].variant.endpoint
    asleep = " **No line under *Instances*: it sleeps, or it is gone; `endpointctl status` says which.**"
    return (
        f"# {name}\nIs it up, is it fast, is it full, what does it cost, who uses it.{asleep if content.sleeps else ''}"
    )


def _alarms(arns: Sequence[str]) -> dict[str, Any]:
    properties = {"title": "Is it up? Alarms", "alarms": list(arns)}
    return {"type": "alarm", "width": 2 * WIDTH, "height": 3, "properties": properties}


def _graph(title: str, rows: list[Row], *, left: str = "", line: tuple[str, float] | None = None) -> dict[str, Any]:
    properties: dict[str, Any] = {"title": title, "view": "timeSeries", "stacked": False, "metrics": rows}
    properties["yAxis"] = {"left": {"min": 0, **({"label": left, "showUnits": False} if left else {})}}
    if line:
        properties["annotations"] = {"horizontal": [{"label": line[0], "value": line[1]}]}
    return {"type": "metric", "width": WIDTH, "height": HEIGHT, "properties": properties}


def _row(series: Series, label: str, *, period: int = MINUTE, **options: Any) -> Row:  # noqa: ANN401 - JSON
    dimensions = [part for pair in series.dimensions.items() for part in pair]
    plain = {"label": label, "stat": series.statistic, "period": period}
    return [series.namespace, series.name, *dimensions, {**plain, **options}]


def _math(expression: str, label: str, identity: str, *, period: int = MINUTE) -> Row:
    return [{"expression": expression, "label": label, "id": identity, "period": period}]


def _of_each(
    variants: Sequence[WatchedVariant], metric: str, statistic: str, label: str, *, namespace: str = "AWS/SageMaker"
) -> list[Row]:
    alone = len(variants) == 1
    return [
        _row(one.series(metric, statistic, namespace), label if alone else f"{one.name}: {label}") for one in variants
    ]


def _requests(variants: Sequence[WatchedVariant], content: Content) -> dict[str, Any]:
    rows = _of_each(variants, "Invocations", "Sum", "requests to the model")
    rows += _of_each(variants, "InvocationModelErrors", "Sum", "errors of the model")
    rows += _of_each(variants, "Invocation5XXErrors", "Sum", "errors of SageMaker")
    if content.users:
        rows.append(_row(of_environment(content.users.environment, "ServerErrors"), "failed for callers"))
    return _graph("Is it up? Requests and errors a minute", rows)


def _instances(variants: Sequence[WatchedVariant], content: Content) -> dict[str, Any]:
    rows = _of_each(variants, "MemoryUtilization", "SampleCount", "instances", namespace=INSTANCES)
    return _graph(f"Is it up? Instances{', none while it sleeps' if content.sleeps else ''}", rows)


def _latency(variants: Sequence[WatchedVariant], content: Content) -> dict[str, Any]:
    rows: list[Row] = []
    for number, one in enumerate(variants, start=1):
        named = "" if len(variants) == 1 else f"{one.name}: "
        for statistic in ("p50", "p90"):
            identity = f"{statistic}_{number}"
            rows += [
                _row(one.series("ModelLatency", statistic), statistic, id=f"u{identity}", visible=False),
                _math(f"u{identity}/{_MICROSECONDS}", f"{named}{statistic}", identity),
            ]
    return _graph("Is it fast? Seconds of the model", rows, left="s", line=("deadline", content.deadline_seconds))


def _speed(content: Content) -> dict[str, Any]:
    """Return what callers notice: how fast the words come, and with streams when the first one does."""
    endpoint = content.variants[0].variant.endpoint
    names = {"tokens a second, p50": Series(*proxy_metric("TokensPerSecond"), {"Endpoint": endpoint}, "p50")}
    if content.streams:
        names["ms to the first word, p90"] = Series(*proxy_metric("TimeToFirstEvent"), {"Endpoint": endpoint}, "p90")
    return _graph("Is it fast? What callers notice", [_row(series, label) for label, series in names.items()])


def _overhead(variants: Sequence[WatchedVariant]) -> dict[str, Any]:
    rows = _of_each(variants, "OverheadLatency", "p90", "SageMaker's own time, p90, µs")
    return _graph("Is it fast? Overhead", rows)


def _concurrency(variants: Sequence[WatchedVariant], content: Content) -> dict[str, Any]:
    rows = _of_each(variants, "ConcurrentRequestsPerModel", "Average", "average")
    rows += _of_each(variants, "ConcurrentRequestsPerModel", "Maximum", "maximum")
    line = ("requests_per_instance", float(content.requests_per_instance))
    return _graph("Is it full? Requests at once, of each instance", rows, line=line)


def _gpu(variants: Sequence[WatchedVariant]) -> dict[str, Any]:
    rows = _of_each(variants, "GPUUtilization", "Average", "GPU", namespace=INSTANCES)
    rows += _of_each(variants, "GPUMemoryUtilization", "Average", "GPU memory", namespace=INSTANCES)
    return _graph("Is it full? GPUs, percent of all of an instance", rows)


def _cost(content: Content) -> dict[str, Any]:
    rows: list[Row] = []
    known = [(number, one) for number, one in enumerate(content.variants, start=1) if one.usd_per_hour is not None]
    for number, one in known:
        instances = one.variant.series("MemoryUtilization", "SampleCount", INSTANCES)
        rows += [
            _row(instances, "instances", id=f"i{number}", visible=False),
            _math(f"i{number}*{one.usd_per_hour:g}", f"{one.variant.name}: {one.instance_type}", f"usd{number}"),
        ]
    if not rows:
        markdown = f"### What does it cost?\n{content.price_note}"
        return {**_text(markdown, HEIGHT), "width": WIDTH}
    return _graph(f"What does it cost? USD an hour. {content.price_note}", rows, left="USD")


def _awake(content: Content) -> dict[str, Any]:
    """Return a line that is 1 while there is no instance, and 0 otherwise."""
    instances = content.variants[0].variant.series("MemoryUtilization", "SampleCount", INSTANCES)
    rows = [
        _row(instances, "instances", id="n", visible=False),
        _math("IF(FILL(n,0)>0,0,1)", "asleep or gone", "asleep"),
    ]
    return _graph("What does it cost? 1: no instance, nothing to pay", rows)


def _used(users: Users) -> list[dict[str, Any]]:
    def rows(name: str, dimension: str, values: Sequence[str]) -> list[Row]:
        return [
            _row(of_environment(users.environment, name, **{dimension: value}), value, period=QUARTER)
            for value in values
        ]

    found = [_graph("Who uses it? Requests by route, in 15 minutes", rows("Requests", "Route", users.routes))]
    if users.clients:
        found.append(
            _graph("Who uses it? Requests by client, in 15 minutes", rows("Requests", "Client", users.clients))
        )
    found.append(_graph("Who uses it? Tokens out by route, in 15 minutes", rows("TokensOut", "Route", users.answering)))
    if users.clients:
        found.append(
            _graph("Who uses it? Tokens out by client, in 15 minutes", rows("TokensOut", "Client", users.clients))
        )
    return found
