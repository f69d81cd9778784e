"""``endpointctl plan``: what an environment, or a change, costs before it is deployed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import typer

from endpointctl import templates
from endpointctl.failure import Failure
from endpointctl.output import show
from endpointctl.prices import difference, live, output
from endpointctl.prices.estimate import Estimate
from endpointctl.prices.items import Load
from endpointctl.prices.terms import Terms
from endpointctl.prices.text import notes, summary
from stacks import settings

Format: TypeAlias = Literal["table", "markdown", "json"]


def plan(
    context: typer.Context,
    env: Annotated[
        str | None,
        typer.Option("--env", help="The environment. Default: dev; with --base, all.", envvar="ENV"),
    ] = None,
    assembly: Annotated[
        Path | None, typer.Option(help="Read the templates of this cloud assembly. Default: synthesize.")
    ] = None,
    base: Annotated[str | None, typer.Option(help="Compare with this commit, e.g. origin/main.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to print it.")] = "table",
    only_summary: Annotated[bool, typer.Option("--summary", help="Print only the summary, in one line.")] = False,
    ask: Annotated[
        bool, typer.Option("--live", help="Ask AWS's price list for the instances, with your credentials.")
    ] = False,
    seconds: Annotated[
        float, typer.Option("--request-seconds", min=0, max=900, help="How long the proxy works on a request.")
    ] = Load.seconds,
) -> None:
    """Show what an environment costs, or what a change of it costs: from its templates and dated prices, offline.

    An unknown price is never counted as 0: the sum says which parts are missing. The last line is the summary.
    """
    load, today = Load(seconds=seconds), datetime.now(UTC).date()
    if base is not None:
        if assembly or ask:
            raise Failure("--base compares two commits offline: leave --assembly and --live out")
        # A shell's ENV chooses one environment to look at; it does not hide what a change does to the others.
        source = context.get_parameter_source("env")
        only = None if source and source.name == "ENVIRONMENT" else env
        if only:
            settings.read(only)
        before, after = templates.of_commit(base, only), templates.of_checkout(only)
        _show_differences(difference.differences(base, before, after, load), format_, today, only_summary=only_summary)
        return
    name = env or "dev"
    found = settings.read(name)
    of_environment = templates.of_assembly(assembly, name) if assembly else templates.of_checkout(name)
    asked = live.AwsPrices(found.region) if ask else None
    estimate = Estimate.of(
        name, of_environment, Terms.of(found), load=load, find_instance=asked.find if asked else None
    )
    said = live.NOTE if ask else ""
    if only_summary:
        show(summary(estimate))
    elif format_ == "json":
        show(output.as_json([estimate], today, said))
    elif format_ == "markdown":
        show(output.markdown([estimate], today, said))
    else:
        output.tables([estimate], today, said)


def _show_differences(
    found: Sequence[difference.Difference], format_: Format, today: date, *, only_summary: bool
) -> None:
    sides = [side for one in found for side in (one.before, one.after) if side]
    if only_summary:
        show(difference.summary(found))
    elif format_ == "json":
        content: dict[str, Any] = {
            "version": output.VERSION,
            "currency": "USD",
            "differences": difference.as_json(found),
            "prices": output.prices_as_json(sides, today),
            "notes": notes(sides, today),
        }
        show(json.dumps(content, indent=2, ensure_ascii=False))
    elif format_ == "markdown":
        show(difference.markdown(found))
    else:
        output.show_grid(difference.grid(found))
        for note in notes(sides, today):
            show(note)
        show(difference.summary(found))
