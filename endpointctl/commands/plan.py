"""``endpointctl plan``: what an environment costs, before it is deployed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from endpointctl import templates
from endpointctl.output import show
from endpointctl.prices import output
from endpointctl.prices.estimate import Estimate
from endpointctl.prices.items import Load
from endpointctl.prices.terms import Terms
from endpointctl.prices.text import summary
from stacks import settings

Format: TypeAlias = Literal["table", "markdown", "json"]


def plan(
    env: Annotated[str, typer.Option("--env", help="The environment: a file in environments/.", envvar="ENV")] = "dev",
    assembly: Annotated[
        Path | None, typer.Option(help="Read the templates of this cloud assembly. Default: synthesize.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to print it.")] = "table",
    only_summary: Annotated[bool, typer.Option("--summary", help="Print only the summary, in one line.")] = False,
    seconds: Annotated[
        float, typer.Option("--request-seconds", min=0, help="How long the proxy works on a request.")
    ] = Load.seconds,
) -> None:
    """Show what an environment costs, offline: from its templates and dated prices."""
    found = settings.read(env)
    of_environment = templates.of_assembly(assembly, env) if assembly else templates.of_checkout(env)
    estimate = Estimate.of(env, of_environment, Terms.of(found), load=Load(seconds=seconds))
    today = datetime.now(UTC).date()
    if only_summary:
        show(summary(estimate))
    elif format_ == "json":
        show(output.as_json([estimate], today))
    elif format_ == "markdown":
        show(output.markdown([estimate], today))
    else:
        output.tables([estimate], today)
