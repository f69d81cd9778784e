"""What one environment costs: its instances, its fixed items, its requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from endpointctl.changes import Template
from endpointctl.prices.amount import Amount
from endpointctl.prices.fleet import Fleet, fleets
from endpointctl.prices.items import Item, Load, fixed, per_million
from endpointctl.prices.price_list import FindInstance, Price, PriceList, Unknown
from endpointctl.prices.terms import MONTH_HOURS, Terms


@dataclass(frozen=True)
class Estimate:
    """The cost of one environment.

    Attributes:
        environment: its name.
        region: where it is.
        fleets: the instances of each variant.
        fixed: what is billed each month beside them.
        per_million: what a million requests cost in addition.
        load: what is assumed of a request.
        awake_hours: how long the endpoint is awake in a month by its office hours; None without.
        used: the prices in it.
        missing: the prices that are not known, with the reasons.

    """

    environment: str
    region: str
    fleets: tuple[Fleet, ...] = ()
    fixed: tuple[Item, ...] = ()
    per_million: tuple[Item, ...] = ()
    load: Load = field(default_factory=Load)
    awake_hours: float | None = None
    used: tuple[Price, ...] = ()
    missing: tuple[Unknown, ...] = ()

    @classmethod
    def of(
        cls,
        environment: str,
        templates: Mapping[str, Template],
        terms: Terms,
        *,
        load: Load | None = None,
        find_instance: FindInstance | None = None,
    ) -> Estimate:
        """Return the estimate of an environment.

        Args:
            environment: its name.
            templates: its templates, by any key.
            terms: what is in its settings.
            load: what is assumed of a request; default ``Load()``.
            find_instance: finds the price of an instance; default the dated ones of the region.

        """
        prices, load = PriceList(terms.region, find_instance), load or Load()
        found = tuple(one for template in templates.values() for one in fleets(template, terms, prices))
        items = fixed(templates.values(), prices, terms.custom_metrics)
        if terms.unread:
            items.append(Item(terms.unread, Amount(unknown=(terms.unread,))))
        by_request = tuple(per_million(templates.values(), prices, load))
        used, missing = tuple(prices.used.values()), tuple(prices.missing.values())
        hours = terms.awake_hours
        return cls(environment, terms.region, found, tuple(items), by_request, load, hours, used, missing)

    @property
    def fixed_month(self) -> Amount:
        """Return what is billed each month beside the instances."""
        return _sum(item.usd for item in self.fixed)

    @property
    def hour(self) -> Amount:
        """Return what the instances cost an hour, from the fewest to the most."""
        return _sum(one.hour(one.least).to(one.hour(one.most)) for one in self.fleets)

    @property
    def month(self) -> Amount:
        """Return what a month costs with the endpoint always on, from the fewest instances to the most."""
        return self._month(MONTH_HOURS)

    @property
    def office_month(self) -> Amount | None:
        """Return what a month costs with the office hours; None without."""
        return None if self.awake_hours is None else self._month(self.awake_hours)

    @property
    def expected_month(self) -> Amount:
        """Return what a month costs as it is configured: with its office hours, or else always on."""
        return self.month if self.office_month is None else self.office_month

    @property
    def update(self) -> Amount:
        """Return what one update costs in addition."""
        return _sum(one.update for one in self.fleets)

    @property
    def million(self) -> Amount:
        """Return what a million requests cost in addition."""
        return _sum(item.usd for item in self.per_million)

    @property
    def instances_known(self) -> bool:
        """Return whether AWS's price of every instance is known: without it, a sum of the rest would mislead."""
        return not any(one.aws.unknown for one in self.fleets)

    def _month(self, hours: float) -> Amount:
        instances = _sum(one.hours(one.least, hours).to(one.hours(one.most, hours)) for one in self.fleets)
        total = instances + self.fixed_month
        return total if self.instances_known else Amount(0.0, total.high, total.unknown)


def _sum(amounts: Iterable[Amount]) -> Amount:
    return sum(amounts, Amount())
