"""What a change costs: the estimates of before and after, environment by environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from endpointctl import templates
from endpointctl.changes import Template
from endpointctl.failure import Failure
from endpointctl.prices.amount import Amount, number
from endpointctl.prices.estimate import Estimate
from endpointctl.prices.items import Load
from endpointctl.prices.output import estimate_as_json, markdown_grid
from endpointctl.prices.terms import Terms
from endpointctl.prices.text import Grid
from stacks import settings


@dataclass(frozen=True)
class Difference:
    """One environment before and after a change.

    Attributes:
        environment: its name.
        before: its estimate in the base commit; None when it was not there.
        after: its estimate now; None when its file is gone.

    """

    environment: str
    before: Estimate | None
    after: Estimate | None

    @property
    def month(self) -> tuple[float, float] | None:
        """Return how the known part of a month changes, as it is configured: its lower and its upper bound.

        None when AWS's price of an instance is not known on either side.
        """
        sides = [one for one in (self.before, self.after) if one]
        if not all(one.instances_known for one in sides):
            return (0.0, 0.0) if self.is_same else None
        old, new = (one.expected_month if one else Amount() for one in (self.before, self.after))
        return new.low - old.low, new.high - old.high

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return what may change besides, and is not known."""
        if self.is_same:
            return ()
        sides = [one.expected_month for one in (self.before, self.after) if one]
        return tuple(dict.fromkeys(part for side in sides for part in side.unknown))

    @property
    def is_same(self) -> bool:
        """Return whether instances, fixed items and hours are the same on both sides, known or not."""
        old, new = ((one.fleets, one.fixed, one.awake_hours) if one else None for one in (self.before, self.after))
        return old == new

    def __str__(self) -> str:
        if self.month is None:
            return f"unknown ({' + '.join(self.unknown)})"
        low, high = (_signed(one) for one in self.month)
        known = f"{low} USD" if low == high else f"{low} to {high} USD"
        return f"{known}, not counting {' and '.join(self.unknown)}" if self.unknown else known


def differences(
    base: str,
    before: Mapping[str, Template],
    after: Mapping[str, Template],
    load: Load | None = None,
) -> list[Difference]:
    """Return the difference of each environment, in alphabetical order.

    Args:
        base: the commit of ``before``.
        before: its templates, by ``environment/stack``.
        after: the checkout's.
        load: what is assumed of a request.

    """
    old, new = _by_environment(before), _by_environment(after)
    return [
        Difference(
            name,
            Estimate.of(name, old[name], _terms_of(base, name), load=load) if name in old else None,
            Estimate.of(name, new[name], Terms.of(settings.read(name)), load=load) if name in new else None,
        )
        for name in sorted({*old, *new})
    ]


def _terms_of(base: str, environment: str) -> Terms:
    """Return what a commit's settings say; nothing but the region when the checkout's code does not accept them."""
    found = templates.settings_of(base, environment)
    if found:
        return Terms.of(found)
    try:
        region, _ = templates.place_of(base, environment)
    except Failure:
        region = "an unknown region"
    return Terms(region, {}, unread=f"what its settings at {base} say")


def _by_environment(found: Mapping[str, Template]) -> dict[str, dict[str, Template]]:
    grouped: dict[str, dict[str, Template]] = {}
    for name, template in found.items():
        environment, _, stack = name.partition("/")
        grouped.setdefault(environment, {})[stack] = template
    return grouped


def grid(found: Sequence[Difference]) -> Grid:
    """Return all differences as one table."""
    rows = tuple(
        (
            one.environment,
            _month(one.before) if one.before else "not there",
            _month(one.after) if one.after else "its file is gone",
            str(one),
        )
        for one in found
    )
    return Grid(
        "USD a month, with office hours where they are set", ("environment", "before", "after", "difference"), rows
    )


def _month(estimate: Estimate) -> str:
    hours = "" if estimate.awake_hours is None else f" ({number(estimate.awake_hours)} h)"
    return f"{estimate.expected_month}{hours}"


def summary(found: Sequence[Difference]) -> str:
    """Return what the change costs, in one line."""
    changed = [one for one in found if not one.is_same]
    if not changed:
        return "USD a month: no difference; the same instances and fixed items in every environment"
    return "USD a month: " + "; ".join(f"{one.environment} {one}" for one in changed)


def markdown(found: Sequence[Difference]) -> str:
    """Return the section for a pull request's comment."""
    heading = "### What it would cost\n"
    details = "List prices; `make plan` has the details.\n"
    return "\n".join([heading, f"{summary(found)}\n", markdown_grid(grid(found)), details])


def as_json(found: Sequence[Difference]) -> list[dict[str, Any]]:
    """Return the differences for programs."""
    return [
        {
            "environment": one.environment,
            "before": estimate_as_json(one.before) if one.before else None,
            "after": estimate_as_json(one.after) if one.after else None,
            "month_difference": {
                "low_usd": None if one.month is None or one.unknown else round(one.month[0], 6),
                "high_usd": None if one.month is None or one.unknown else round(one.month[1], 6),
                "known_low_usd": None if one.month is None else round(one.month[0], 6),
                "known_high_usd": None if one.month is None else round(one.month[1], 6),
                "unknown": list(one.unknown),
            },
        }
        for one in found
    ]


def _signed(usd: float) -> str:
    text = number(abs(usd))
    return text if text == "0" else f"{'+' if usd > 0 else '-'}{text}"
