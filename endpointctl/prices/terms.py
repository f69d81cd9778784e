"""What a plan needs from an environment's settings, because no template has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from endpointctl.prices.amount import Amount
from sagemaker_llm.limits import VARIANT_NAME
from stacks.settings import Settings
from stacks.watching.custom_metrics import custom_metrics

SOFTWARE: Final = "the seller's software"
MONTH_HOURS: Final = 730.0
"""The hours of a month: 365 days of 24 hours, divided by 12."""


@dataclass(frozen=True)
class Terms:
    """What is agreed, and what is configured.

    Attributes:
        region: where the environment is.
        software: the seller's price of one instance for an hour by the variant's name; one that is missing is unknown.
        awake_hours: how long the endpoint is awake in a month by its office hours; None without office hours.
        custom_metrics: how many metrics its functions publish at most.
        unread: what a sum calls the settings when they could not be read; empty when they were.

    """

    region: str
    software: Mapping[str, float]
    awake_hours: float | None = None
    custom_metrics: int = 0
    unread: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Terms:
        """Return the terms in an environment's settings."""
        names = (VARIANT_NAME, *settings.endpoint.more_variants)
        models = (model for _, model, _ in settings.variants())
        prices = {
            name: model.software_price_per_hour
            for name, model in zip(names, models, strict=True)
            if model.software_price_per_hour is not None
        }
        return cls(settings.region, prices, awake_hours(settings), custom_metrics(settings))

    def software_of(self, variant: str) -> Amount:
        """Return what the seller charges for one instance and hour."""
        return Amount.of(self.software[variant]) if variant in self.software else Amount(unknown=(SOFTWARE,))


def awake_hours(settings: Settings) -> float | None:
    """Return the hours a month that the endpoint is awake by ``endpoint.sleep.office_hours``; None without."""
    sleep = settings.endpoint.sleep
    return sleep.office_hours.hours_per_month if sleep and sleep.office_hours else None
