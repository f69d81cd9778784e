"""The three formats of a plan: tables for a terminal, Markdown, and JSON with keys that stay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from endpointctl.output import show, show_table
from endpointctl.prices.estimate import Estimate
from endpointctl.prices.fleet import Fleet
from endpointctl.prices.items import Item
from endpointctl.prices.price_list import Price
from endpointctl.prices.text import Grid, grids, notes, summary

VERSION = 1
"""The version of the JSON document: it grows when a key goes or changes its meaning, not when one is added."""


def tables(estimates: Sequence[Estimate], today: date, live: str = "") -> None:
    """Print an estimate's tables, the notes, and the summary as the last line."""
    for estimate in estimates:
        for grid in grids(estimate):
            show_grid(grid)
    for note in notes(estimates, today, live):
        show(note)
    for estimate in estimates:
        show(summary(estimate))


def show_grid(grid: Grid) -> None:
    """Print one table."""
    show(grid.title)
    table = Table(box=SIMPLE)
    for number, name in enumerate(grid.head):
        table.add_column(name, justify="right" if number else "left")
    for row in grid.rows:
        table.add_row(*row)
    show_table(table, width=160)  # what is piped is not cut to some terminal's width


def markdown(estimates: Sequence[Estimate], today: date, live: str = "") -> str:
    """Return the same as Markdown."""
    parts = [markdown_grid(grid) for estimate in estimates for grid in grids(estimate)]
    parts.append("".join(f"- {note}\n" for note in notes(estimates, today, live)))
    parts += [f"{summary(estimate)}\n" for estimate in estimates]
    return "\n".join(parts)


def markdown_grid(grid: Grid) -> str:
    """Return one table as Markdown, with its title in bold."""
    rule = "|".join(["---", *("---:" for _ in grid.head[1:])])
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (grid.head, *grid.rows)]
    return "\n".join([f"**{grid.title}**\n", rows[0], f"|{rule}|", *rows[1:]]) + "\n"


def as_json(estimates: Sequence[Estimate], today: date, live: str = "") -> str:
    """Return the same for programs; docs/costs.md documents the keys."""
    content = {
        "version": VERSION,
        "currency": "USD",
        "environments": [estimate_as_json(estimate) for estimate in estimates],
        "prices": prices_as_json(estimates, today),
        "notes": notes(estimates, today, live),
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def estimate_as_json(estimate: Estimate) -> dict[str, Any]:
    """Return one estimate for programs."""
    office = estimate.office_month
    return {
        "environment": estimate.environment,
        "region": estimate.region,
        "variants": [_variant(fleet, estimate.awake_hours) for fleet in estimate.fleets],
        "fixed": [_item(item) for item in estimate.fixed],
        "per_million_requests": [_item(item) for item in estimate.per_million],
        "awake_hours_per_month": estimate.awake_hours,
        "total": {
            "hour": estimate.hour.as_json(),
            "month": estimate.month.as_json(),
            "office_hours_month": office.as_json() if office is not None else None,
            "update": estimate.update.as_json(),
            "million_requests": estimate.million.as_json(),
        },
        "unknown": {one.name: one.reason for one in estimate.missing},
        "summary": summary(estimate),
    }


def _variant(fleet: Fleet, awake: float | None) -> dict[str, Any]:
    bounds = {"min_instances": fleet.least, "max_instances": fleet.most}
    return {
        "name": fleet.variant,
        "instance_types": list(fleet.types),
        "instance_hour": fleet.per_instance.as_json(),
        "update": fleet.update.as_json(),
        **{
            bound: {
                "instances": count,
                "hour": fleet.hour(count).as_json(),
                "month": fleet.hours(count).as_json(),
                "office_hours_month": None if awake is None else fleet.hours(count, awake).as_json(),
            }
            for bound, count in bounds.items()
        },
    }


def _item(item: Item) -> dict[str, Any]:
    return {"name": item.name, **item.usd.as_json()}


def prices_as_json(estimates: Iterable[Estimate], today: date) -> list[dict[str, Any]]:
    """Return every price that is used, once."""
    used = dict.fromkeys(price for estimate in estimates for price in estimate.used)
    return [_price(price, today) for price in used]


def _price(price: Price, today: date) -> dict[str, Any]:
    return {
        "name": price.name,
        "usd": price.usd,
        "per": price.per,
        "region": price.region,
        "seen": price.seen.isoformat(),
        "source": price.source,
        "verified": price.checked == "page",
        "old": price.is_old(today),
    }
