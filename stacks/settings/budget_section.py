"""The section ``budget``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stacks.settings.alarms_section import Email
from stacks.settings.section import Section


class Budget(Section):
    """A monthly AWS budget of everything with the environment's tags, and a monitor of unusual cost."""

    usd_per_month: Annotated[
        float, Field(gt=0, allow_inf_nan=False, description="The budget of a calendar month, in USD.")
    ]
    email: Email | None = Field(
        default=None, description="Who is told. Default: the address of alarms; without one, this is required."
    )
