"""An amount of money, whose parts need not all be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Amount:
    """USD between two bounds, and what is not known of it.

    A part that is not known adds nothing to the bounds, so that ``low`` stays a lower bound.

    Attributes:
        low: the least that the known parts cost.
        high: the most that they cost.
        unknown: the names of the parts that are not known, each once.

    """

    low: float = 0.0
    high: float = 0.0
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, usd: float) -> Amount:
        """Return an amount that is known."""
        return cls(usd, usd)

    @classmethod
    def one_of(cls, amounts: list[Amount]) -> Amount:
        """Return the amount of one of several, of which nobody knows which it will be."""
        unknown = _merged(*(one.unknown for one in amounts))
        return cls(min(one.low for one in amounts), max(one.high for one in amounts), unknown)

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.low + other.low, self.high + other.high, _merged(self.unknown, other.unknown))

    def times(self, factor: float) -> Amount:
        """Return a multiple; nothing of an unknown price is no cost."""
        return Amount(self.low * factor, self.high * factor, self.unknown) if factor else Amount()

    def to(self, most: Amount) -> Amount:
        """Return the amount from this one's lower bound to another one's upper bound."""
        return Amount(self.low, most.high, _merged(self.unknown, most.unknown))

    def minus(self, other: Amount) -> tuple[float, float] | None:
        """Return the differences of the lower and of the upper bounds; None when either amount is not all known."""
        if self.unknown or other.unknown:
            return None
        return self.low - other.low, self.high - other.high

    @property
    def bounds(self) -> str:
        """Return the known part without its currency, e.g. ``1.408`` or ``1,028 to 2,056``."""
        low, high = number(self.low), number(self.high)
        return low if low == high else f"{low} to {high}"

    def __str__(self) -> str:
        if not self.unknown:
            return f"{self.bounds} USD"
        missing = " + ".join(self.unknown)
        return f"≥ {self.bounds} USD + {missing}" if self.low else f"unknown ({missing})"

    def as_json(self) -> dict[str, Any]:
        """Return the amount for programs: ``low_usd`` and ``high_usd`` are null when a part is not known."""
        known = not self.unknown
        return {
            "low_usd": round(self.low, 6) if known else None,
            "high_usd": round(self.high, 6) if known else None,
            "at_least_usd": round(self.low, 6),
            "unknown": list(self.unknown),
        }


def number(usd: float) -> str:
    """Return USD for people: whole from 100 on, at most three decimals below, ten below a cent."""
    if abs(usd) >= 100:
        return f"{usd:,.0f}"
    decimals = 10 if 0 < abs(usd) < 0.01 else 3
    return f"{usd:.{decimals}f}".rstrip("0").rstrip(".")


def _merged(*names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in names for name in group))
