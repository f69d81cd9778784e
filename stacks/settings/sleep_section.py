"""The section ``endpoint.sleep``."""

from __future__ import annotations

from datetime import date
from types import ModuleType
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sagemaker_llm.operations import limits
from stacks.settings.autoscaling_section import TimeZone
from stacks.settings.section import Section


def _date(value: object) -> object:
    """Return a date that is written in quotes as YAML has one without."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("a date, e.g. 2026-12-24") from None


Time = Annotated[str, Field(pattern=f"^{limits.TIME_PATTERN}$")]
Date = Annotated[date, BeforeValidator(_date)]


def _plan() -> ModuleType:
    """Return the library's checks of plans, which the commands that read no plan do without."""
    from sagemaker_llm.operations import sleep_plan

    return sleep_plan


class OfficeHours(Section):
    """The hours of the week in which the endpoint is awake."""

    timezone: TimeZone = Field(description="An IANA name, e.g. Europe/Berlin. Its daylight saving time is kept.")
    days: tuple[Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], ...] = Field(
        default=("MON", "TUE", "WED", "THU", "FRI"), strict=False, description="The days on which it is woken."
    )
    wake: Time = Field(
        description='When it is woken, in quotes, e.g. "07:30". It serves 10 to 20 minutes later. A time that '
        "daylight saving time skips is skipped on that day."
    )
    sleep: Time = Field(
        description='When it sleeps, in quotes, e.g. "19:00". A time before that of wake is on the next day.'
    )
    except_dates: tuple[Date, ...] = Field(
        default=(), strict=False, description="Dates on which it is not woken, e.g. 2026-12-24. Default: none."
    )

    @model_validator(mode="after")
    def _fit(self) -> Self:
        _plan().OfficeHours(**self.model_dump())
        return self

    @property
    def hours_per_month(self) -> float:
        """Return how long the endpoint is awake in an average month, in hours, excepted dates not counted."""
        return float(_plan().OfficeHours(**self.model_dump()).hours_per_month)


class OnDemand(Section):
    """A request that finds the endpoint asleep wakes it. Whoever may call the proxy can then start the GPUs."""

    wakes_per_day: int = Field(
        ge=limits.WAKES_PER_DAY[0],
        le=limits.WAKES_PER_DAY[1],
        description="How many times in 24 hours, failed ones included.",
    )
    minutes: int = Field(
        default=60,
        ge=limits.REQUEST_MINUTES[0],
        le=limits.REQUEST_MINUTES[1],
        description="How long it stays awake after such a request.",
    )


class Lease(Section):
    """How long people may keep the endpoint awake."""

    default_minutes: int = Field(default=120, ge=1, description="How long, when they do not say.")
    max_minutes: int = Field(
        default=720, ge=limits.LEASE_MINUTES[0], le=limits.LEASE_MINUTES[1], description="How long at most, from now."
    )

    @model_validator(mode="after")
    def _fit(self) -> Self:
        _plan().LeaseLengths(**self.model_dump())
        return self


class Sleep(Section):
    """When the GPUs exist. With `sleep: {}`, people wake the endpoint for a time and put it to sleep."""

    office_hours: OfficeHours | None = Field(default=None, description="Default: none.")
    idle_minutes: int | None = Field(
        default=None,
        ge=limits.IDLE_MINUTES[0],
        le=limits.IDLE_MINUTES[1],
        description="After how many minutes without a request it sleeps, in office hours and leases, too. "
        "Default: never.",
    )
    on_demand: OnDemand | None = Field(default=None, description="Default: none; a request does not wake it.")
    lease: Lease = Lease()
