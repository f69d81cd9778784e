"""The section ``autoscaling`` of a variant."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stacks.settings.section import Count, Section

Cooldown = Annotated[int, Field(ge=0)]
Expression = Annotated[str, AfterValidator(lambda text: _schedule().check_schedule("schedule", text))]
TimeZone = Annotated[str, AfterValidator(lambda text: _schedule().check_timezone("timezone", text))]


def _schedule() -> ModuleType:
    """Return the library's checks of schedules, which the commands that read no schedule do without."""
    from sagemaker_llm.endpoint import schedule

    return schedule


class Schedule(Section):
    """Other bounds from a moment on, until another schedule changes them again."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,100}$", description="Letters, digits, _ and -; unique in the variant.")
    schedule: Expression = Field(description="cron(minute hour day month weekday year), rate(…) or at(…).")
    timezone: TimeZone = Field(default="UTC", description="An IANA name, e.g. Europe/Berlin.")
    min_instances: Count = Field(description="The fewest instances from then on.")
    max_instances: Count = Field(description="The most.")


class Autoscaling(Section):
    """Target tracking between bounds."""

    min_instances: Count = Field(default=1, description="The fewest instances.")
    max_instances: Count = Field(description="The most instances; each costs its full price while it is there.")
    metric: Literal["concurrency", "invocations"] = Field(
        default="concurrency",
        description="The metric held at the target: concurrent requests of each model copy, or invocations a minute of "
        "each instance.",
    )
    target: float = Field(gt=0, description="The metric's value for one model copy, or for one instance and minute.")
    scale_in_cooldown_seconds: Cooldown = Field(default=600, description="How long to wait after removing instances.")
    scale_out_cooldown_seconds: Cooldown = Field(default=60, description="How long to wait after adding instances.")
    schedules: tuple[Schedule, ...] = Field(default=(), strict=False, description="Bounds by the clock.")

    @property
    def max_instances_ever(self) -> int:
        """Return the most instances at any time."""
        return max(self.max_instances, *(schedule.max_instances for schedule in self.schedules), 0)
