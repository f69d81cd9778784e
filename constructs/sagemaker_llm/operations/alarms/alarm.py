"""One alarm: what it watches, when it fires, and how it treats missing data.

Each number has a reason, which docs/runbook.md repeats for the reader of a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

MissingData: TypeAlias = Literal["notBreaching", "breaching"]
Comparison: TypeAlias = Literal["GreaterThanThreshold", "LessThanThreshold", "GreaterThanOrEqualToThreshold"]

PERIOD_SECONDS: Final = 300
"""The period of an alarm about a share or a latency. An endpoint of one GPU answers a few requests a minute: a minute
is too short for a share, and a p90 of three requests is their maximum."""

LEAST_REQUESTS: Final = 5
"""The requests of a period below which a share is not looked at: one failure of two is no 50 %."""


@dataclass(frozen=True)
class Series:
    """A metric with its statistic.

    Attributes:
        namespace: its namespace.
        name: its name.
        dimensions: its dimensions by name.
        statistic: e.g. ``Sum`` or ``p90``.

    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str = "Sum"


@dataclass(frozen=True)
class Alarm:
    """An alarm.

    Attributes:
        name: what it is about, e.g. ``model-errors``: part of its name, and the anchor in the runbook.
        says: what it means when it fires, one sentence.
        series: its metrics by the names in the expression.
        expression: of several metrics; empty for the one.
        threshold: the value that the comparison uses.
        comparison: how.
        missing: what a period without data counts as.
        period: in seconds.
        periods: how many it looks at.
        breaching: how many of them have to be over the threshold.
        suffix: what makes the name unique, e.g. a variant's.

    """

    name: str
    says: str
    series: Mapping[str, Series]
    threshold: float
    expression: str = ""
    comparison: Comparison = "GreaterThanThreshold"
    missing: MissingData = "notBreaching"
    period: int = PERIOD_SECONDS
    periods: int = 3
    breaching: int = 2
    suffix: str = ""

    @property
    def id(self) -> str:
        """Return the construct id."""
        return "".join(part.title() for part in self.name.split("-")) + self.suffix


@dataclass(frozen=True)
class Naming:
    """How alarms are named and described.

    Attributes:
        prefix: the beginning of every name.
        runbook: where the runbook is: every description ends with a link to the alarm's section in it.

    """

    prefix: str
    runbook: str = "docs/runbook.md"

    def name(self, alarm: Alarm) -> str:
        """Return an alarm's name in CloudWatch."""
        return "-".join(filter(None, (self.prefix, alarm.name, alarm.suffix)))

    def description(self, says: str, anchor: str) -> str:
        """Return a description that ends with a link."""
        return f"{says} What to do: {self.runbook}#{anchor}"


@dataclass(frozen=True)
class Actions:
    """What an alarm does when it fires, and how long it waits after it was made.

    Attributes:
        topic_arns: the topics that are told when it fires. They are not told when it is over: an alarm that is made
            anew, as with each wake-up, would tell every time that all is well.
        warm_up_minutes: after the alarm was made; default none.

    """

    topic_arns: Sequence[str] = field(default=())
    warm_up_minutes: int | None = None


def share(errors: Series, requests: Series) -> tuple[dict[str, Series], str]:
    """Return the metrics and the expression of errors in percent of requests; 0 for few requests, and for none."""
    few = LEAST_REQUESTS - 1
    return {"errors": errors, "requests": requests}, f"IF(FILL(requests,0)>{few},100*FILL(errors,0)/requests,0)"


def declare(scope: Construct, alarm: Alarm, naming: Naming, actions: Actions | None = None) -> cloudwatch.CfnAlarm:
    """Declare an alarm in CloudFormation. Without actions it is silent: a composite alarm speaks for it."""
    actions = actions or Actions()
    one = next(iter(alarm.series.values()))
    metric = (
        {"metrics": _queries(alarm)}
        if alarm.expression
        else {
            "namespace": one.namespace,
            "metric_name": one.name,
            "dimensions": _dimensions(one),
            "period": alarm.period,
            ("extended_statistic" if one.statistic.startswith("p") else "statistic"): one.statistic,
        }
    )
    warm = actions.warm_up_minutes
    return cloudwatch.CfnAlarm(
        scope,
        alarm.id,
        alarm_name=naming.name(alarm),
        alarm_description=naming.description(alarm.says, alarm.name),
        comparison_operator=alarm.comparison,
        threshold=alarm.threshold,
        evaluation_periods=alarm.periods,
        datapoints_to_alarm=alarm.breaching,
        treat_missing_data=alarm.missing,
        alarm_actions=list(actions.topic_arns) or None,
        warm_up_configuration=cloudwatch.CfnAlarm.WarmUpConfigurationProperty(warm_up_period_duration_in_minutes=warm)
        if warm
        else None,
        **metric,
    )


def _queries(alarm: Alarm) -> list[cloudwatch.CfnAlarm.MetricDataQueryProperty]:
    of = cloudwatch.CfnAlarm
    math = of.MetricDataQueryProperty(id="result", expression=alarm.expression, label=alarm.name, return_data=True)
    return [
        math,
        *(
            of.MetricDataQueryProperty(
                id=name,
                return_data=False,
                metric_stat=of.MetricStatProperty(
                    metric=of.MetricProperty(
                        namespace=one.namespace, metric_name=one.name, dimensions=_dimensions(one)
                    ),
                    period=alarm.period,
                    stat=one.statistic,
                ),
            )
            for name, one in alarm.series.items()
        ),
    ]


def _dimensions(series: Series) -> list[cloudwatch.CfnAlarm.DimensionProperty]:
    return [cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in series.dimensions.items()]
