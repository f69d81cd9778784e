"""An estimate for people: the rows of its tables, its notes, and the summary in one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from endpointctl.prices.amount import Amount, number
from endpointctl.prices.estimate import Estimate
from endpointctl.prices.fleet import UPDATE_MINUTES, Fleet
from endpointctl.prices.price_list import OLD, Price
from endpointctl.prices.terms import MONTH_HOURS, SOFTWARE

_TAGS: Final = (
    "AWS's budgets see the cost of an environment only after the cost-allocation tags project and environment were "
    "activated in the billing console; Marketplace charges may carry no tags."
)


@dataclass(frozen=True)
class Grid:
    """A table, as text.

    Attributes:
        title: what it shows.
        head: the columns' names.
        rows: the cells.

    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def grids(estimate: Estimate) -> list[Grid]:
    """Return the tables of an estimate."""
    hours = f"USD a month, {number(estimate.awake_hours or 0)} h awake"
    office = () if estimate.awake_hours is None else (hours,)
    head = ("what", "USD an hour", f"USD a month, {MONTH_HOURS:.0f} h", *office, "an update adds, USD")
    rows = [row for fleet in estimate.fleets for row in _fleet(fleet, estimate.awake_hours)]
    same = [""] if office else []
    rows += [(item.name, "", cell(item.usd), *(cell(item.usd) for _ in same), "") for item in estimate.fixed]
    months = [estimate.month, *([estimate.office_month] if estimate.office_month is not None else [])]
    rows.append(("total", cell(estimate.hour), *(cell(one) for one in months), cell(estimate.update)))
    found = [Grid(f"{estimate.environment} in {estimate.region}", head, tuple(rows))]
    if estimate.per_million:
        items = [(item.name, cell(item.usd)) for item in estimate.per_million]
        items.append(("total", cell(estimate.million)))
        found.append(Grid(f"a million requests: {estimate.load}", ("what", "USD"), tuple(items)))
    return found


def _fleet(fleet: Fleet, awake: float | None) -> Iterator[tuple[str, ...]]:
    """Yield a row for the fewest instances, and one for the most where they differ."""
    for count in dict.fromkeys((fleet.least, fleet.most)):
        which = "" if fleet.least == fleet.most else ", least" if count == fleet.least else ", most"
        name = f"{fleet.variant}{which}: {count} x {' or '.join(fleet.types)}"
        months = [fleet.hours(count)] + ([] if awake is None else [fleet.hours(count, awake)])
        shortest, longest = (fleet.hours(count, minutes / 60) for minutes in UPDATE_MINUTES)
        yield (name, cell(fleet.hour(count)), *(cell(one) for one in months), cell(shortest.to(longest)))


def cell(amount: Amount) -> str:
    """Return an amount without its currency and without the reasons: the notes have them."""
    if not amount.unknown:
        return amount.bounds
    return f"≥ {amount.bounds}" if amount.low else "unknown"


def summary(estimate: Estimate) -> str:
    """Return the cost in one line."""
    parts = [f"{estimate.environment} in {estimate.region}: {estimate.month} a month, always on"]
    if estimate.office_month is not None and estimate.awake_hours is not None:
        parts.append(f"{estimate.office_month} with its office hours ({number(estimate.awake_hours)} h)")
    if not estimate.fleets:
        return f"{estimate.environment} in {estimate.region}: no instances; {estimate.month} a month"
    running = " + ".join(dict.fromkeys(instances(fleet) for fleet in estimate.fleets))
    return f"{'; '.join(parts)}; {running}"


def instances(fleet: Fleet) -> str:
    """Return number and types of a variant's instances, e.g. ``1 to 2 x ml.g5.xlarge``."""
    number_of = str(fleet.least) if fleet.least == fleet.most else f"{fleet.least} to {fleet.most}"
    return f"{number_of} x {' or '.join(fleet.types)}"


def notes(estimates: Iterable[Estimate], today: date, live: str = "") -> list[str]:
    """Return what the amounts mean, what is not known, and each price with its date, region and source, once.

    Args:
        estimates: the estimates that are shown.
        today: the day from which a price's age counts.
        live: a sentence about AWS's price list; empty when it was not asked.

    """
    estimates = list(estimates)
    shortest, longest = UPDATE_MINUTES
    found = [
        "List prices without tax, free tiers, discounts and data transfer.",
        f"An update runs the old and the new instances side by side for {shortest} to {longest} minutes.",
        _TAGS,
    ]
    if any(SOFTWARE in one.hour.unknown for one in estimates):
        found.append(
            f"{SOFTWARE}: billed by instance and hour; set model.software_price_per_hour to what the listing states."
        )
    found += [live] if live else []
    missing = dict.fromkeys(one for estimate in estimates for one in estimate.missing)
    found += [f"{one.name}: {one.reason}" for one in missing]
    found += [_origin(price, today) for price in dict.fromkeys(p for estimate in estimates for p in estimate.used)]
    return found


def _origin(price: Price, today: date) -> str:
    where = "all regions" if price.region == "all" else price.region
    old = f"; OLDER THAN {OLD.days} DAYS, look it up" if price.is_old(today) else ""
    unverified = "" if price.checked == "page" else "; unverified: not read on AWS's page"
    return (
        f"{price.name}: {number(price.usd)} USD per {price.per}, {where}, {price.seen}, {price.source}{unverified}{old}"
    )
