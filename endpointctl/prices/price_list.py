"""The dated prices: of instances from the construct library's data, of everything else from ``prices.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from endpointctl.prices.amount import Amount, number
from sagemaker_llm.models.instance_type import instance_types, price_origin

OLD: Final = timedelta(days=180)
"""Prices that were seen longer ago are flagged: AWS cut GPU prices by up to 45 % within a year (2025)."""

_ALL: Final = "all"
_FILE: Final = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True)
class Price:
    """A price, and where it comes from.

    Attributes:
        name: what costs it, e.g. ``ml.g5.xlarge``.
        usd: in USD.
        per: what one price buys, e.g. ``instance and hour``.
        region: where it holds; ``all`` for every region.
        seen: when the source was read.
        source: the page that states it.
        checked: ``page`` when AWS's own page or API had the number; ``others`` when only other people's pages did.

    """

    name: str
    usd: float
    per: str
    region: str
    seen: date
    source: str
    checked: str

    def is_old(self, today: date) -> bool:
        """Return whether the price has to be looked up again."""
        return today - self.seen > OLD

    @property
    def amount(self) -> Amount:
        """Return it as an amount."""
        return Amount.of(self.usd)


@dataclass(frozen=True)
class Unknown:
    """No price.

    Attributes:
        name: what has none.
        reason: why, e.g. ``unknown in eu-central-1; 1.408 in us-east-1``.
        part: what a sum calls it.

    """

    name: str
    reason: str
    part: str

    @property
    def amount(self) -> Amount:
        """Return it as an amount: never 0."""
        return Amount(unknown=(self.part,))


Found: TypeAlias = Price | Unknown
FindInstance: TypeAlias = Callable[[str], Found]
"""Returns the price of one instance for an hour, by its type."""


def instance_prices(region: str) -> FindInstance:
    """Return the lookup of dated instance prices for a region; never another region's price."""
    origin = price_origin()

    def find(name: str) -> Found:
        kind = instance_types().get(name)
        usd = kind.price_usd_per_hour if kind else None
        part = f"{name} in {region}"
        if usd is None:
            return Unknown(name, f"unknown in {region}: instances.toml has no price of it", part)
        if region != origin.region:
            return Unknown(name, f"unknown in {region}; {number(usd)} USD an hour in {origin.region}", part)
        return Price(name, usd, "instance and hour", origin.region, origin.seen, origin.source, "others")

    return find


class PriceList:
    """The prices of everything but instances, in one region. It remembers which were used.

    Args:
        region: an AWS region.
        find_instance: finds the price of an instance; default the dated ones.

    Attributes:
        used: every price that was asked for, each once, in the order of their first use.
        missing: every price that was asked for in vain.

    """

    def __init__(self, region: str, find_instance: FindInstance | None = None) -> None:
        self.region = region
        self._find_instance = find_instance or instance_prices(region)
        self.used: dict[str, Price] = {}
        self.missing: dict[str, Unknown] = {}

    def instance(self, name: str) -> Found:
        """Return the price of one instance of a type for an hour."""
        return self._remembered(self._find_instance(name))

    def of(self, name: str) -> Found:
        """Return a price of ``prices.toml`` by its name."""
        price = _prices()[name]
        if price.region in (_ALL, self.region):
            return self._remembered(price)
        reason = f"unknown in {self.region}; {number(price.usd)} USD in {price.region}"
        return self._remembered(Unknown(price.name, reason, f"other prices in {self.region}"))

    def _remembered(self, found: Found) -> Found:
        if isinstance(found, Price):
            self.used.setdefault(found.name, found)
        else:
            self.missing.setdefault(found.name, found)
        return found


@cache
def free_types() -> Mapping[str, str]:
    """Return the resource types that cost nothing by themselves, and why."""
    return dict(_data()["free"])


def old_prices(today: date) -> list[Price]:
    """Return every dated price, of an instance or of anything else, that has to be looked up again."""
    origin = price_origin()
    find = instance_prices(origin.region)
    found = [find(name) for name in instance_types()] + list(_prices().values())
    return [one for one in found if isinstance(one, Price) and one.is_old(today)]


@cache
def _prices() -> Mapping[str, Price]:
    # Its name in the file is a program's, "web_acl_rule"; people read "web acl rule".
    return {name: Price(name=name.replace("_", " "), **values) for name, values in _data()["prices"].items()}


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text("utf-8"))
